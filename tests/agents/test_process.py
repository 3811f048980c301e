"""Programs are run to their end, in bounded time and space, and leave nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from harnessgym_mcp.agents.process import Ending, Program, run
from harnessgym_mcp.agents.supervisor import descendants
from harnessgym_mcp.core.policy import Agents

QUICK = Agents(settle=0.1, grace=0.2)
ENV = {"PATH": os.environ["PATH"]}


def program(tmp_path: Path, *argv: str, timeout: float = 30, rules: Agents = QUICK, **more) -> Program:
    return Program(
        argv, tmp_path, more.pop("env", ENV), timeout, tmp_path / "out", tmp_path / "err", rules=rules, **more
    )


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", textwrap.dedent(code))


DAEMON = """
    import os, signal, sys
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open(sys.argv[1] + ".new", "w").write(str(os.getpid()))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    if sys.argv[2:]:
        os.close(int(sys.argv[2]))  # whoever waits for the marker is told
    signal.pause()
"""


async def test_output_goes_to_files_and_lines_to_the_reader(tmp_path):
    lines = []
    ending = await run(program(tmp_path, "sh", "-c", "echo one; echo two >&2; printf three; exit 7"), lines.append)
    assert (ending.code, ending.timed_out, ending.problem) == (7, False, "")
    assert lines == [b"one", b"three"]
    assert (tmp_path / "out").read_bytes() == b"one\nthree"
    assert (tmp_path / "err").read_bytes() == b"two\n"


async def test_a_program_that_does_not_exist_never_starts(tmp_path):
    ending = await run(program(tmp_path, "/no/such/program"))
    assert ending.code is None
    assert "/no/such/program" in ending.problem


async def test_a_folder_that_does_not_exist_is_told(tmp_path):
    ending = await run(Program(["true"], tmp_path / "none", ENV, 5, tmp_path / "out", tmp_path / "err"))
    assert ending.code is None
    assert "none" in ending.problem


async def test_megabytes_of_stdin_arrive_while_as_much_comes_out(tmp_path):
    data = os.urandom(3_000_000)
    ending = await run(program(tmp_path, "cat", stdin=data))
    assert ending.code == 0
    assert (tmp_path / "out").read_bytes() == data


async def test_a_program_that_never_reads_its_stdin_ends_all_the_same(tmp_path):
    assert (await run(program(tmp_path, "true", stdin=b"x" * 3_000_000))).code == 0


async def test_stdin_is_closed_after_the_prompt(tmp_path):
    ending = await run(program(tmp_path, "sh", "-c", "cat >/dev/null; echo read to the end", timeout=10))
    assert ending.code == 0


async def test_the_environment_is_exactly_the_one_given(tmp_path):
    await run(program(tmp_path, "/usr/bin/env", env={"ONLY": "this"}))
    assert (tmp_path / "out").read_text().split() == ["ONLY=this"]


async def test_the_program_inherits_no_descriptor_of_ours(tmp_path):
    await run(program(tmp_path, *python("import os; print(sorted(int(f) for f in os.listdir('/proc/self/fd')))")))
    assert (tmp_path / "out").read_text().strip() in ("[0, 1, 2]", "[0, 1, 2, 3]")  # 3: the listing itself


async def test_a_signal_that_ended_it_is_told(tmp_path):
    assert (await run(program(tmp_path, "sh", "-c", "kill -ABRT $$"))).code == -signal.SIGABRT


async def test_a_hanging_program_that_ignores_sigterm_is_killed_in_time(tmp_path):
    code = "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); signal.pause()"
    start = time.monotonic()
    ending = await run(program(tmp_path, *python(code), timeout=0.5))
    assert (ending.timed_out, ending.code) == (True, -signal.SIGKILL)
    assert 0.5 <= ending.seconds < 1.0
    assert time.monotonic() - start < 5


async def test_a_program_that_tidies_up_on_sigterm_may_do_so(tmp_path):
    code = """
        import signal, sys
        def leave(*_):
            print("tidied", flush=True)
            sys.exit(5)
        signal.signal(signal.SIGTERM, leave)
        print("up", flush=True)
        signal.pause()
    """
    ending = await run(program(tmp_path, *python(code), timeout=1, rules=Agents(grace=10)))
    assert (ending.timed_out, ending.code) == (True, 5)
    assert "tidied" in (tmp_path / "out").read_text()


async def test_a_daemon_in_its_own_session_without_environment_does_not_outlive_its_program(tmp_path, gone):
    marker = tmp_path / "pid"
    code = f"""
        import subprocess, sys, os
        told, telling = os.pipe()
        argv = [sys.executable, "-S", "-c", {textwrap.dedent(DAEMON)!r}, {str(marker)!r}, str(telling)]
        subprocess.Popen(argv, env={{}}, pass_fds=(telling,))
        os.close(telling)
        os.read(told, 1)  # ends when the daemon has written
        print("left it")
    """
    ending = await run(program(tmp_path, *python(code)))
    assert ending.code == 0
    assert ending.leftovers == 1
    assert gone(int(marker.read_text()), 0)


async def test_what_ends_by_itself_soon_after_its_program_is_no_leftover(tmp_path):
    ending = await run(program(tmp_path, "sh", "-c", "(sleep 0.2; echo late) & exit 0", rules=Agents(settle=10)))
    assert (ending.code, ending.leftovers) == (0, 0)
    assert (tmp_path / "out").read_text() == "late\n"
    assert ending.seconds < 0.2


async def test_time_spent_on_leftovers_does_not_make_a_program_time_out(tmp_path):
    ending = await run(program(tmp_path, "sh", "-c", "sleep 600 & exit 0", timeout=0.3, rules=Agents(settle=0.5)))
    assert (ending.timed_out, ending.code) == (False, 0)


async def test_cancelling_ends_the_whole_tree_before_it_raises(tmp_path, gone):
    marker = tmp_path / "pid"
    up = asyncio.Event()
    argv = python(f"import sys; sys.argv[1:] = [{str(marker)!r}]\n" + textwrap.dedent(DAEMON)[1:])
    shell = f'"$@"; while [ ! -e {marker} ]; do sleep 0.01; done; echo up; sleep 600'
    task = asyncio.create_task(run(program(tmp_path, "sh", "-c", shell, "sh", *argv), lambda _: up.set()))
    await asyncio.wait_for(up.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(int(marker.read_text()), 0)


def test_when_we_are_killed_the_program_and_its_daemons_end(tmp_path, gone):
    marker = tmp_path / "pid"
    code = f"""
        import asyncio, sys
        from pathlib import Path
        from harnessgym_mcp.agents.process import Program, run
        from harnessgym_mcp.core.policy import Agents
        here = Path({str(tmp_path)!r})
        argv = [sys.executable, "-S", "-c", {textwrap.dedent(DAEMON)!r}, {str(marker)!r}]
        both = ["sh", "-c", '"$@"; while [ ! -e {marker} ]; do sleep 0.01; done; echo $$; sleep 600', "sh", *argv]
        asyncio.run(run(Program(both, here, {{"PATH": "/usr/bin:/bin"}}, 60, here / "out", here / "err",
                                rules=Agents(grace=0.2)), lambda line: print(line.decode(), flush=True)))
    """
    ours = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE)
    with ours:
        shell = int(ours.stdout.readline())
        ours.kill()
    assert gone(shell, 20)
    assert gone(int(marker.read_text()), 20)


async def test_a_killed_supervisor_takes_the_program_with_it(tmp_path, gone):
    pids = []
    up = asyncio.Event()

    def read(line: bytes) -> None:
        pids.extend(int(p) for p in line.split())
        up.set()

    task = asyncio.create_task(run(program(tmp_path, "sh", "-c", "echo $$ $PPID; sleep 600"), read))
    await asyncio.wait_for(up.wait(), 10)
    os.kill(pids[1], signal.SIGKILL)
    ending = await asyncio.wait_for(task, 10)
    assert (ending.code, ending.lost, ending.timed_out) == (None, True, False)
    assert ending.problem == "the supervising process was killed"
    assert gone(pids[0])


async def test_a_stuck_supervisor_is_killed_with_the_program_and_the_time_is_up(tmp_path, gone):
    pids = []

    def stop(line: bytes) -> None:
        pids.extend(int(p) for p in line.split())
        os.kill(pids[1], signal.SIGSTOP)

    rules = Agents(settle=0.1, grace=0.1, stuck=0.3)
    shell = "setsid sleep 600 & echo $! $PPID; wait"
    ending = await run(program(tmp_path, "sh", "-c", shell, timeout=0.5, rules=rules), stop)
    assert (ending.code, ending.lost, ending.timed_out) == (None, True, True)
    assert ending.problem == "the supervising process was stuck"
    assert gone(pids[0])


async def test_a_flood_is_bounded_in_the_transcript_and_told(tmp_path):
    rules = Agents(transcript_bytes=1000, settle=0.1)
    ending = await run(program(tmp_path, "sh", "-c", "head -c 5000000 /dev/zero; echo >&2", rules=rules))
    assert ending.code == 0
    assert ending.dropped == 5_000_000 - 1000
    kept = (tmp_path / "out").read_bytes()
    assert kept[:1000] == b"\0" * 1000
    assert kept[1000:] == b"\n[4999000 bytes more were not kept]\n"


async def test_lines_are_still_read_beyond_the_transcripts_bound(tmp_path):
    lines = []
    await run(program(tmp_path, "seq", "1", "1000", rules=Agents(transcript_bytes=10)), lines.append)
    assert lines[-1] == b"1000"


async def test_an_overlong_line_is_skipped_and_the_next_one_read(tmp_path):
    lines = []
    shell = "printf before\\\\n; head -c 300000 /dev/zero; echo; echo after"
    ending = await run(program(tmp_path, "sh", "-c", shell, rules=Agents(line_bytes=1000)), lines.append)
    assert lines == [b"before", b"after"]
    assert ending.skipped == 1


async def test_a_line_without_end_takes_no_memory(tmp_path):
    import tracemalloc

    rules = Agents(line_bytes=1000, transcript_bytes=1000)
    tracemalloc.start()
    try:
        ending = await run(program(tmp_path, "head", "-c", "30000000", "/dev/zero", rules=rules))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert ending.skipped == 1
    assert peak < 5_000_000


async def test_thirty_programs_at_once(tmp_path):
    async def one(number: int) -> Ending:
        folder = tmp_path / str(number)
        folder.mkdir()
        return await run(program(folder, "sh", "-c", f"cat; exit {number}", stdin=b"x" * 100_000))

    endings = await asyncio.gather(*(one(n) for n in range(30)))
    assert [e.code for e in endings] == list(range(30))
    assert all((tmp_path / str(n) / "out").stat().st_size == 100_000 for n in range(30))


def test_descendants_are_found_through_every_generation():
    shell = subprocess.Popen(["sh", "-c", "sh -c 'echo $$; exec sleep 600' & wait"], stdout=subprocess.PIPE)
    with shell:
        grandchild = int(shell.stdout.readline())
        found = descendants(os.getpid()), descendants(shell.pid)
        os.kill(grandchild, signal.SIGKILL)
    assert found[0].keys() >= {shell.pid, grandchild}
    assert list(found[1]) == [grandchild]


def test_the_supervisor_needs_nothing_but_the_standard_library():
    from harnessgym_mcp.agents import supervisor

    code = "import runpy, sys; runpy.run_path(sys.argv[1]); print(*{m.split('.')[0] for m in sys.modules})"
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, supervisor.__file__], capture_output=True, text=True, check=True
    )
    assert set(told.stdout.split()) - set(sys.stdlib_module_names) <= {"__main__", "_distutils_hack"}
