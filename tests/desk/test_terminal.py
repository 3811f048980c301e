"""What a person sees: tables on a terminal, plain text off it, live views that end as asked, nothing hostile."""

import importlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys

import pytest

from harnessgym_mcp.cli.output import Output, Prose, Table
from harnessgym_mcp.cli.parser import COMMANDS, parse

COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9]")
EVIL = "\x1b]0;owned\x07\x1b[2Jgone\u202e\u200b"


def test_a_terminal_gets_lines_and_colours(desk):
    desk.submit()
    code, shown = desk.on_terminal("list").end()
    assert code == 0
    assert "─" in shown
    assert COLOUR.search(shown)
    assert "adder" in shown


def test_no_color_keeps_the_lines_and_drops_the_colours(desk):
    desk.submit()
    _, shown = desk.on_terminal("list", NO_COLOR="1").end()
    assert "─" in shown
    assert not COLOUR.search(shown)


def test_a_dumb_terminal_and_a_pipe_get_the_same_plain_text(desk):
    desk.submit()
    _, dumb = desk.on_terminal("list", TERM="dumb").end()
    piped = desk.run("list")[1]
    assert dumb.replace("\r\n", "\n") == piped
    assert "\x1b" not in piped
    assert "─" not in piped


def test_quiet_prints_nothing_but_errors(desk):
    for words in (("list",), ("init",), ("connect", "claude"), ("doctor", "--only", "python"), ("config",)):
        assert desk.run(*words, "--quiet") == (0, "", "")
    code, out, err = desk.run("show", "nobody", "--quiet")
    assert (code, out) == (3, "")
    assert "nobody" in err


def test_json_is_one_object_on_stdout_also_for_wrong_words(desk):
    for words in (("list",), ("init",), ("connect", "claude"), ("top",), ("doctor", "--only", "python")):
        assert "schema" in desk.json(*words)[1]
    code, body = desk.json("list", "--nonsense")
    assert (code, body["error"]["code"]) == (2, "usage")


def test_what_others_wrote_cannot_steer_the_terminal(desk):
    desk.submit()
    path = desk.project / ".harnessgym" / "registry.json"
    registry = json.loads(path.read_text())
    version = registry["artifacts"]["adder"]["versions"][0]
    version["description"] = EVIL
    version["tools"][0]["description"] = EVIL
    digest = version["digest"]
    registry["quarantine"] = [{"name": "bad", "digest": digest, "reason": EVIL, "findings": [EVIL], "at": 1.0}]
    path.write_text(json.dumps(registry))
    for words in (("show", "adder"), ("stats",), ("list", "--all"), ("show", "bad")):
        _, shown = desk.on_terminal(*words).end()
        assert "gone" in shown, words
        for hostile in ("\x1b]0", "\x1b[2J", "\u202e", "\u200b"):
            assert hostile not in shown, words


def test_markup_in_a_cell_is_text():
    table = Table(("what",), [("[red]x[/red] :smile:",)])
    assert "[red]x[/red] :smile:" in table


def test_an_empty_table_is_nothing():
    output = Output(as_json=False, quiet=False)
    assert not output.table(("a", "b"), [])


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_and_they_are_right(desk, command):
    module = importlib.import_module(f"harnessgym_mcp.cli.commands.{command}_")
    shown = [line.strip() for line in re.sub(r"\s*\\\n\s*", " ", module.EXAMPLES).splitlines() if line.strip()]
    assert shown
    for line in shown:
        if line.startswith("harnessgym "):
            words = shlex.split(re.split(r" {2,}| (?:[|>]|&&) ", line)[0])
            assert parse(words[1:]).command in COMMANDS
    with pytest.raises(SystemExit) as ended:
        parse([command, "--help"])
    assert ended.value.code == 0


def test_no_words_at_all_show_the_help(desk):
    done = subprocess.run([sys.executable, "-m", "harnessgym_mcp"], capture_output=True, text=True, check=True)
    assert "harnessgym connect claude" in done.stdout
    assert all(command in done.stdout for command in COMMANDS)


def test_a_wrong_command_is_told_with_the_nearest(desk):
    code, _, err = desk.run("conect")
    assert code == 2
    assert "did you mean connect?" in err


# ---- live views


def follower(desk, *words: str) -> "subprocess.Popen[bytes]":
    return desk.spawn("calls", "--follow", *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def call(desk) -> None:
    words = ("--arguments", '{"values": [1]}', "--set", "isolation.allow_unconfined=true")
    assert desk.run("call", "adder__add", *words)[0] == 0


def test_follow_shows_each_call_as_it_comes_and_ends_cleanly_when_interrupted(desk):
    desk.submit()
    process = follower(desk)
    for _ in range(2):
        call(desk)
        assert b"completed" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, b"", b"")


def test_follow_with_json_gives_an_object_for_each_call(desk):
    desk.submit()
    call(desk)
    process = follower(desk, "--json")
    row = json.loads(process.stdout.readline())
    assert (row["schema"], row["artifact"], row["tool"]) == ("harnessgym/call/1", "adder", "add")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


def test_follow_ends_when_its_reader_does_even_without_a_new_call(desk):
    desk.submit()
    call(desk)
    process = follower(desk)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(30) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_an_interrupt_ends_any_command_without_a_traceback(desk):
    gate = desk.home / "gate"
    os.mkfifo(gate)
    desk.program("claude", f"#!/bin/sh\nread line < '{gate}'\n")
    process = desk.spawn("doctor", "--only", "client-claude", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    side = os.open(gate, os.O_WRONLY)  # returns when the program waits
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    os.close(side)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_a_closed_pipe_is_no_error(desk):
    reader, writer = os.pipe()
    os.close(reader)
    process = desk.spawn("config", stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")


INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "desk-client", "version": "7"},
}


def test_top_shows_the_session_its_mount_and_its_calls(desk):
    desk.submit()
    words = ("--set", "isolation.allow_unconfined=true")
    server = desk.spawn("serve", *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(id: int, method: str, params: object) -> None:
        server.stdin.write(json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}) + "\n")
        server.stdin.flush()
        while json.loads(server.stdout.readline()).get("id") != id:
            pass

    ask(1, "initialize", INITIALIZE)
    ask(2, "tools/call", {"name": "adder__add", "arguments": {"values": [1]}})
    view = desk.on_terminal("top")
    view.until("desk-client 7")
    view.until("adder__add")
    view.until("live")
    view.press("\x03")
    code, _ = view.end()
    assert code == 0
    snapshot = desk.json("top")[1]
    assert [(m["artifact"], m["state"]) for m in snapshot["mounts"]] == [("adder", "live")]
    assert snapshot["mounts"][0]["memory"] > 1 << 20
    assert [(t["tool"], t["calls"], t["errors"]) for t in snapshot["tools"]] == [("adder__add", 1, 0)]
    assert "desk-client" in desk.run("top", "--once")[1]
    server.communicate(timeout=30)
    assert desk.json("top")[1]["mounts"] == []
    assert list((desk.project / ".harnessgym" / "fronts").iterdir()) == []


def test_a_front_that_was_killed_is_not_shown_and_its_file_goes_with_the_next(desk):
    desk.submit()
    fronts = desk.project / ".harnessgym" / "fronts"
    for last in (False, True):
        server = desk.spawn("serve", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        server.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}) + "\n")
        server.stdin.flush()
        server.stdout.readline()
        while not (fronts / f"{server.pid}.json").exists():
            assert server.poll() is None
        if not last:
            server.kill()
        server.communicate(timeout=30)
        assert desk.json("top")[1]["fronts"] == []
    assert list(fronts.iterdir()) == []


def test_top_off_a_terminal_is_one_look(desk):
    code, out, _ = desk.run("top")
    assert code == 0
    assert "no session is open here" in out


def test_prose_is_folded_between_words_and_what_is_pasted_stays_whole():
    text = Prose(
        "why: one two three four five six\n  `harnessgym doctor --fix now please` helps\n{'json': 'of any length'}"
    )
    assert text.folded(20).split("\n") == [
        *("why: one two three", "  four five six"),
        *("  `harnessgym doctor --fix now please`", "    helps"),
        "{'json': 'of any length'}",
    ]


def test_a_terminal_shows_no_column_that_is_empty_and_cuts_a_long_cell_at_its_end():
    table = Table(("name", "why"), [("a" * 200, ""), ("b", "")], 20)
    assert [column.header for column in table.rich().columns] == ["name"]
    assert table.cells[0][0] == "a" * 19 + "…"
    assert table.splitlines()[0].split() == ["name", "why"]


def test_a_misspelt_option_is_told_with_its_like(desk):
    code, _, err = desk.run("stats", "--sincee", "2h")
    assert code == 2
    assert "did you mean --since?" in err


def test_stages_are_told_once(desk):
    desk.submit()
    draft = desk.home / "adder"
    shown = desk.on_terminal("qualify", str(draft), "--set", "isolation.allow_unconfined=true").end()[1]
    assert "the clean room judges adder" in shown
    assert "sabotage passed\r\n" not in shown
    assert "sabotage passed\n" in desk.run("qualify", str(draft), "--set", "isolation.allow_unconfined=true")[1]


def test_a_folder_that_cannot_be_made_is_told_in_words(desk):
    code, _, err = desk.run("demo", "--folder", "/proc/nowhere/demo")
    assert code == 4
    assert "nowhere" in err
    assert "hint" in err


def test_a_damaged_registry_is_not_passed_over_in_silence(desk):
    desk.submit()
    (desk.project / ".harnessgym" / "registry.json").write_text("{broken")
    code, out, _ = desk.run("list")
    assert code == 0
    assert "note: " in out


def test_a_record_that_cannot_be_read_is_told(desk):
    desk.run("init")
    (desk.project / ".harnessgym" / "telemetry.sqlite").write_bytes(b"not a database" * 300)
    assert "cannot be read" in desk.run("calls")[1]
