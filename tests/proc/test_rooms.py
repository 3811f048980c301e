"""What a server finds inside: the same promises in every tier."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from harnessgym_mcp.errors import IsolationError
from harnessgym_mcp.proc.room import Bind, Guise
from harnessgym_mcp.proc.scratch import leftover_folders
from harnessgym_mcp.proc.tags import parse_tag

PRINT_ENV = "import json, os; print(json.dumps(dict(os.environ)))"
COMMON = {"PLUGIN_ROOT", "PLUGIN_DATA", "HARNESSGYM_WORKSPACE", "PATH", "HOME", "TMPDIR", "TZ", "LANG"}


def environment(house: Any, **changes: Any) -> dict[str, str]:
    found: dict[str, str] = json.loads(house.run("python3", "-c", PRINT_ENV, **changes))
    return found


def test_the_environment_is_ours_alone(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    found = environment(house, env={"GRANTED": "yes"})
    assert found.keys() >= COMMON
    assert found["GRANTED"] == "yes"
    assert "AWS_SECRET_ACCESS_KEY" not in found
    assert found["PYTHONDONTWRITEBYTECODE"] == "1"
    assert found["HOME"] != found["PLUGIN_DATA"]


def test_no_variable_reaches_the_programs_that_build_the_sandbox(house: Any) -> None:
    evil = {
        "LD_PRELOAD": "/nonexistent.so",
        "LD_AUDIT": "/nonexistent.so",
        "BASH_ENV": "/x",
        "PATH": "/evil",
        "HOME": "/",
    }
    found = environment(house, env=evil)
    assert not {"LD_PRELOAD", "LD_AUDIT", "BASH_ENV"} & found.keys()
    assert "/evil" not in found["PATH"]
    assert found["HOME"] != "/"


def test_values_of_the_environment_stay_out_of_the_process_list(house: Any) -> None:
    process, _ = house.start("/bin/sh", "-c", "echo ready; read line", env={"GRANTED": "hunter2"})
    process.stdout.readline()
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(b"hunter2" in line for line in lines)


def test_the_guise_decides_time_zone_language_and_hash_seed(house: Any) -> None:
    guise = Guise(timezone="Asia/Tokyo", language="C", hash_seed="7", prefix="/srv/other place", home="/home/other")
    found = environment(house, guise=guise)
    assert (found["TZ"], found["LANG"], found["PYTHONHASHSEED"]) == ("Asia/Tokyo", "C", "7")
    assert house.run("date", "+%Z", guise=guise).strip() == "JST"


def test_the_workspace_is_at_its_own_path_and_writable_only_when_granted(house: Any) -> None:
    workspace = house.room.workspace
    (workspace / "file").write_text("hello")
    assert house.sh('cat "$HARNESSGYM_WORKSPACE/file"; echo; echo "$HARNESSGYM_WORKSPACE"') == f"hello\n{workspace}\n"
    if house.sandbox.report.tier != "D":
        house.sh('! touch "$HARNESSGYM_WORKSPACE/new" 2>/dev/null')
        assert not (workspace / "new").exists()
    house.sh('echo x > "$HARNESSGYM_WORKSPACE/new"', workspace_write=True)
    assert (workspace / "new").read_text() == "x\n"


def test_without_a_grant_there_is_no_workspace(house: Any) -> None:
    assert "HARNESSGYM_WORKSPACE" not in environment(house, workspace=None)


def test_data_home_and_temporary_folder_can_be_written_and_only_data_stays(house: Any) -> None:
    for name in ("PLUGIN_DATA", "HOME", "TMPDIR"):
        house.sh(f'echo x > "${name}/kept"')
    assert (house.room.data / "kept").read_text() == "x\n"
    house.sh('! test -e "$HOME/kept" && ! test -e "$TMPDIR/kept"')


def test_python_inside_is_the_one_that_runs_harnessgym(house: Any) -> None:
    for name in ("python", "python3"):
        found = house.run(name, "-c", "import sys, ssl, sqlite3, ctypes; print(sys.version)").strip()
        assert found == sys.version


USES = {
    "node": """node -e 'console.log(require("os").userInfo().username.length > 0)' >/dev/null""",
    "gcc": "cd $TMPDIR && echo 'int main(void){return 0;}' > a.c && gcc a.c -o a && ./a",
    "git": "cd $TMPDIR && git init -q r && cd r && git config --list >/dev/null && git status --short",
    "perl": "perl -e 'use POSIX; print 1'",
    "tar": "cd $TMPDIR && echo x > f && tar czf a.tgz f && tar xzf a.tgz",
}


@pytest.mark.parametrize("program", USES)
def test_the_system_s_programs_can_be_used(house: Any, program: str) -> None:
    if not os.access(f"/usr/bin/{program}", os.X_OK):
        pytest.skip(f"{program} is not installed")
    house.sh(USES[program])


def test_the_standard_library_finds_what_it_looks_for(house: Any) -> None:
    script = """
import getpass, mimetypes, os, pwd, socket, ssl, subprocess, tempfile, locale, zoneinfo, multiprocessing.pool
assert mimetypes.guess_type("a.html")[0] == "text/html"
assert os.path.expanduser("~") == os.environ["HOME"]
pwd.getpwuid(os.getuid()), getpass.getuser(), zoneinfo.ZoneInfo("Europe/Vienna"), ssl.create_default_context()
assert subprocess.check_output(["sh", "-c", "echo $((6*7))"]) == b"42\\n"
tempfile.mkdtemp(), os.cpu_count(), os.urandom(4)
socket.socketpair()
print("fine")
"""
    assert house.run("python3", "-c", script) == "fine\n"


def test_binds_are_shown_and_come_first_in_the_path(house: Any, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "mine").write_text("#!/bin/sh\necho found\n")
    (tools / "mine").chmod(0o755)
    bind = Bind(tools, str(tools))
    assert house.run("mine", binds=(bind,), path_first=(str(tools),)) == "found\n"


def test_a_granted_network_opens_internet_sockets_and_no_others(house: Any) -> None:
    script = """
import socket
for family in (2, 10, 1, 16):
    try:
        socket.socket(family, 3 if family == 16 else 1).close()
        print(family)
    except OSError:
        pass
"""
    opened = house.run("python3", "-c", script, network=True).split()
    assert opened == (["2", "10", "1", "16"] if house.sandbox.report.tier == "D" else ["2", "10"])


def test_standard_streams_and_exit_codes_pass_through(house: Any) -> None:
    process, _ = house.start("/bin/sh", "-c", "cat; echo bad >&2; exit 7")
    out, err = process.communicate(b"in\n", timeout=30)
    assert (out, err, process.returncode) == (b"in\n", b"bad\n", 7)


def test_the_pipes_are_the_server_s_alone_and_their_end_is_seen(house: Any) -> None:
    process, _ = house.start("/bin/sh", "-c", "exec >&-; read line")
    if house.sandbox.report.tier == "A":
        pytest.skip("bubblewrap's own process keeps the pipes until the server ends")
    assert process.stdout.read() == b""


def test_a_command_that_does_not_exist_is_an_exit_code_and_a_message(house: Any) -> None:
    process, _ = house.start("no-such-command")
    _, err = process.communicate(timeout=30)
    assert process.returncode != 0
    assert b"no-such-command" in err


def test_a_signal_that_python_ignores_is_not_ignored_inside(house: Any) -> None:
    script = "import signal; print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)"
    assert house.run("python3", "-c", script) == "True\n"
    assert house.sh("yes | head -1") == "y\n"


def test_a_workspace_that_holds_the_system_is_refused(make_house: Any) -> None:
    house = make_house("A")
    with pytest.raises(IsolationError):
        house.run("true", workspace=Path("/"))


def test_nothing_of_a_start_is_left_when_it_is_closed(house: Any) -> None:
    process, prepared = house.start("/bin/sh", "-c", "echo x > $TMPDIR/x")
    process.communicate(timeout=30)
    assert all(folder.exists() for folder in prepared.leftovers)
    prepared.close()
    assert not prepared.leftovers
    prepared.close()


@pytest.mark.parametrize("evil", ["1\0--bind\0/\0/outside", "\ud800"])
def test_no_value_can_become_an_option_of_the_sandbox(house: Any, evil: str) -> None:
    """bubblewrap takes its options separated by NUL."""
    with pytest.raises(IsolationError):
        house.run("ls", "/outside", env={"GRANTED": evil})
    for changes in ({"cwd": f"/{evil}"}, {"guise": Guise(timezone=evil)}, {"path_first": (evil,)}):
        with pytest.raises(IsolationError):
            house.start("ls", "/outside", **changes)
    with pytest.raises(IsolationError):
        house.start("ls", evil)
    left = [parse_tag(tag) for tag, _ in leftover_folders()]
    assert os.getpid() not in [tag.front for tag in left if tag]


def test_the_harness_s_own_state_is_hidden_in_a_workspace(make_house: Any) -> None:
    house = make_house("A")
    (house.room.workspace / ".harnessgym" / "data").mkdir(parents=True)
    for write in (False, True):
        assert house.sh('ls -A "$HARNESSGYM_WORKSPACE/.harnessgym"', workspace_write=write) == ""
        house.sh('! touch "$HARNESSGYM_WORKSPACE/.harnessgym/x" 2>/dev/null', workspace_write=write)


NEST = """
import os
os.chdir(os.environ["{folder}"])
for _ in range(1500):
    os.mkdir("deep")
    os.chdir("deep")
os.mkdir("closed", 0)
"""


def test_folders_nested_without_end_are_removed_all_the_same(house: Any) -> None:
    process, prepared = house.start("python3", "-I", "-S", "-c", NEST.format(folder="HOME"))
    assert process.wait(60) == 0
    folders = [folder for folder in prepared.leftovers if not folder.is_relative_to("/sys")]
    prepared.close()
    assert not any(folder.exists() for folder in folders)
