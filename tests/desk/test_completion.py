"""Completion in the shells themselves, where they are installed."""

import os
import shutil
import subprocess

import pytest

from harnessgym_mcp.cli.completion import SHELLS
from harnessgym_mcp.cli.parser import COMMANDS

CASES = [
    ("dem", ["demo"]),
    ("connect cl", ["claude"]),
    ("connect --sc", ["--scope"]),
    ("connect --scope ", ["project", "user"]),
    ("stats --scope a", ["all"]),
    ("show --nonsen", []),
]


def prepared(name, desk, tmp_path):
    """`(name, the script's path)`; skips where the shell is missing."""
    if not shutil.which(name):
        pytest.skip(f"{name} is not installed")
    code, text, _ = desk.run("completion", name)
    assert code == 0
    path = tmp_path / "completion"
    path.write_text(text)
    return name, path


@pytest.fixture(params=["bash", "fish"])
def shell(request, desk, tmp_path):
    """Those that can be asked without a terminal."""
    return prepared(request.param, desk, tmp_path)


@pytest.mark.parametrize("name", SHELLS)
def test_the_script_has_no_mistake_in_it(name, desk, tmp_path):
    name, path = prepared(name, desk, tmp_path)
    done = subprocess.run([name, "-n", str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def offered(shell, line: str) -> list[str]:
    name, path = shell
    if name == "fish":
        script = f"source '{path}'; complete -C 'harnessgym {line}'"
        done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, check=True)
        return sorted(each.partition("\t")[0] for each in done.stdout.splitlines())
    words = line.split(" ")
    script = (
        f"source '{path}'; COMP_WORDS=(harnessgym {' '.join(repr(w) for w in words)}); COMP_CWORD={len(words)}; "
        '_harnessgym; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=True)
    return sorted(done.stdout.split())


@pytest.mark.parametrize(("line", "wanted"), CASES)
def test_words_are_offered(shell, line, wanted):
    assert offered(shell, line) == sorted(wanted)


def test_every_command_is_offered(shell):
    assert set(COMMANDS) <= set(offered(shell, ""))


def test_files_are_offered_where_a_path_is_meant(desk, tmp_path):
    fish = prepared("fish", desk, tmp_path)
    (desk.home / "some-tool").mkdir()
    assert offered(fish, f"qualify {desk.home}/som") == [f"{desk.home}/some-tool/"]
    assert offered(fish, f"archive {desk.home}/som") == []


def test_zsh_completes_on_a_terminal(desk, tmp_path, terminal):
    _, path = prepared("zsh", desk, tmp_path)
    screen = terminal(["zsh", "-f", "-i"], {**os.environ, "TERM": "xterm", "PS1": "", "ZDOTDIR": str(tmp_path)})
    screen.press(f"autoload -U compinit; compinit -u -D; source '{path}'; print ready-$((1+1))\n")
    screen.until("ready-2")
    for typed, wanted in (("dem", "harnessgym demo"), ("connect --scope p", "harnessgym connect --scope project")):
        screen.press(f"harnessgym {typed}\t")
        screen.until(wanted)
        screen.press("\x15")
    screen.press("exit\n")
    assert screen.end()[0] == 0
