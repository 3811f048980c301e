"""Ending a whole server, and sweeping up after a front that crashed."""

import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from escape import wait_ended

from harnessgym_mcp.proc.groups import kill_all, kill_tagged
from harnessgym_mcp.proc.orphans import find_orphans, sweep_orphans
from harnessgym_mcp.proc.processes import descendants, find_variable, start_time
from harnessgym_mcp.proc.sandbox import Prepared
from harnessgym_mcp.proc.scratch import PREFIX
from harnessgym_mcp.proc.tags import TAG, family_of, new_tag, parse_tag

DEADLINE = 20.0
DAEMON = """
import os, sys, time
inner, outer = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(outer, str(os.getpid()).encode())
        time.sleep(60)
    os._exit(0)
print(os.read(inner, 20).decode(), flush=True)
time.sleep(60)
"""


def spawn(code: str, **env: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-I", "-S", "-c", code]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, start_new_session=True)


def line(process: "subprocess.Popen[bytes]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def test_descendants_and_tagged_daemons_die_with_their_leader() -> None:
    tag = new_tag("")
    process = spawn(DAEMON, **{TAG: tag})
    daemon = int(line(process))
    assert {pid for pid, value in find_variable(TAG) if value == tag} >= {process.pid, daemon}
    assert kill_all(process.pid, tag) == 2
    process.communicate(timeout=DEADLINE)
    assert wait_ended(daemon, DEADLINE)


def test_a_tag_ends_only_its_own() -> None:
    tag = new_tag("")
    mine = spawn("import time; print(1, flush=True); time.sleep(60)", **{TAG: new_tag("")})
    other = spawn("import time; print(1, flush=True); time.sleep(60)", **{TAG: tag})
    line(mine)
    line(other)
    assert kill_tagged(tag) == 1
    assert other.wait(DEADLINE) == -signal.SIGKILL
    assert mine.poll() is None
    mine.kill()
    mine.communicate()
    other.communicate()


def test_nothing_is_killed_for_want_of_a_tag_or_of_a_process() -> None:
    assert kill_tagged("") == 0
    ended = spawn("")
    ended.communicate()
    assert kill_all(ended.pid) == 0


FRONT = """
import os, subprocess, sys, time
from pathlib import Path
from harnessgym_mcp.proc.tags import TAG, family_of, new_tag
from harnessgym_mcp.proc.scratch import Scratch
from harnessgym_mcp.proc.toolchain import find_toolchain
tag = new_tag(family_of(Path(sys.argv[1])))
scratch = Scratch.of(tag)
scratch.make(find_toolchain())
child = subprocess.Popen(["sleep", "60"], env={TAG: tag}, start_new_session=True, stdout=subprocess.DEVNULL)
print(child.pid, scratch.folder, flush=True)
time.sleep(60)
"""


def front_of(state: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", FRONT, str(state)], stdout=subprocess.PIPE)


def test_a_sweep_ends_what_a_dead_front_left_and_nothing_of_a_living_one(tmp_path: Path) -> None:
    fronts = [front_of(tmp_path) for _ in range(2)]
    (dead_pid, dead_folder), (live_pid, live_folder) = (line(front).split() for front in fronts)
    fronts[0].kill()
    fronts[0].communicate()
    assert sweep_orphans(tmp_path, math.inf) == 1
    assert wait_ended(int(dead_pid), DEADLINE)
    assert not Path(dead_folder).exists()
    assert start_time(int(live_pid))
    assert Path(live_folder).exists()
    fronts[1].kill()
    fronts[1].communicate()
    sweep_orphans(tmp_path, math.inf)
    assert wait_ended(int(live_pid), DEADLINE)
    assert not Path(live_folder).exists()


def test_the_orphans_of_others_are_left_to_their_own_family_for_a_while(tmp_path: Path) -> None:
    front = front_of(tmp_path / "theirs")
    pid, folder = line(front).split()
    front.kill()
    front.communicate()
    assert sweep_orphans(tmp_path / "ours", math.inf) == 0
    assert (start_time(int(pid)) > 0, Path(folder).exists()) == (True, True)
    found = find_orphans(tmp_path / "ours", 0.0)  # nobody came for them in time
    assert int(pid) in found.processes
    assert Path(folder) in found.places
    assert sweep_orphans(tmp_path / "theirs", math.inf) == 1
    assert wait_ended(int(pid), DEADLINE)


def test_a_family_are_the_fronts_that_share_a_state_folder_by_whatever_path(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "state")
    assert family_of(tmp_path / "link") == family_of(tmp_path / "state") != family_of(tmp_path)
    assert family_of(None) == ""


def test_another_container_s_processes_are_never_orphans() -> None:
    namespace, front, started, rest = new_tag("family").split(".", 3)
    dead = parse_tag(f"{namespace}.{2**22 + 1}.1.{rest}")
    elsewhere = parse_tag(f"1{namespace}.{2**22 + 1}.1.{rest}")
    living = parse_tag(f"{namespace}.{front}.{started}.{rest}")
    reused = parse_tag(f"{namespace}.{front}.{int(started) + 1}.{rest}")
    assert [tag.orphaned for tag in (dead, elsewhere, living, reused) if tag] == [True, False, False, True]


def test_what_is_not_a_tag_is_left_alone() -> None:
    for text in ("", "1", "a.b.c.d", "1.2.3", "-1.2.3.x", "1.2.3.4", "1.2.3.4.5.6", f"{'9' * 30}.1.1.f.x", "²..1.f.x"):
        assert parse_tag(text) is None
    assert not list(Path("/tmp").glob(f"{PREFIX}unfinished"))


def test_a_process_s_name_cannot_confuse_the_table(tmp_path: Path) -> None:
    program = tmp_path / "a) R 1 (b"
    program.symlink_to("/bin/sleep")
    child = subprocess.Popen([str(program), "60"])
    found = {process.pid: process for process in descendants(os.getpid())}
    assert found[child.pid].parent == os.getpid()
    child.kill()
    child.wait()


def test_leftovers_of_a_start_are_removed_with_whoever_hides_in_them(house: Any) -> None:
    process, prepared = house.start("/bin/sh", "-c", "echo ready; sleep 60 & wait")
    line(process)
    groups = [folder for folder in prepared.leftovers if folder.is_relative_to("/sys")]
    kill_all(process.pid, prepared.tag)
    process.communicate(timeout=DEADLINE)
    prepared.close()
    assert not any(group.exists() for group in groups)


def test_closing_what_was_never_spawned_is_harmless(house: Any) -> None:
    prepared: Prepared = house.sandbox.prepare(house.room, ["true"], "/")
    leftovers = prepared.leftovers
    prepared.close()
    prepared.close()
    assert not any(folder.exists() for folder in leftovers)
