"""`connect` and `disconnect` on real files: what is written, what stays, what is refused."""

import json
import os
import tomllib
from pathlib import Path

import pytest

from harnessgym_mcp.store.client_configs import apply, is_temporary, plan_connect
from harnessgym_mcp.store.client_configs_check import holds
from harnessgym_mcp.store.client_configs_places import CLIENTS, FileWish, Places, Put, Serving

FILES = {
    ("claude", "project"): (".mcp.json", ".claude/settings.local.json"),
    ("claude", "user"): (".claude.json", ".claude/settings.json"),
    ("codex", "project"): (".codex/config.toml",),
    ("codex", "user"): (".codex/config.toml",),
    ("cursor", "project"): (".cursor/mcp.json",),
    ("cursor", "user"): (".cursor/mcp.json",),
    ("vscode", "project"): (".vscode/mcp.json",),
    ("vscode", "user"): (".config/Code/User/mcp.json",),
    ("gemini", "project"): (".gemini/settings.json",),
    ("gemini", "user"): (".gemini/settings.json",),
}
BOTH = pytest.mark.parametrize(("client", "scope"), FILES, ids="-".join)


def read(path: Path) -> dict[str, object]:
    return tomllib.loads(path.read_text()) if path.suffix == ".toml" else json.loads(path.read_text())


def place(desk, scope: str) -> Path:
    return desk.project if scope == "project" else desk.home


def entry(path: Path) -> dict[str, object]:
    value = read(path)
    servers = value.get("mcpServers") or value.get("servers") or value.get("mcp_servers")
    return servers["harnessgym"]


@BOTH
def test_connect_writes_the_entry_says_so_and_disconnect_leaves_nothing(desk, client, scope):
    code, body = desk.json("connect", client, "--scope", scope)
    paths = [place(desk, scope) / name for name in FILES[client, scope]]
    assert code == 0
    assert [Path(f["path"]) for f in body["files"]] == paths
    assert {f["action"] for f in body["files"]} == {"create"}
    for path, told in zip(paths, body["files"], strict=True):
        assert path.read_text().rstrip("\n") == told["says"]
    started = entry(paths[0])
    assert os.access(started["command"], os.X_OK)
    assert Path(started["command"]).is_absolute()
    assert "env" not in started
    assert started["args"][:1] == ["serve"] or "harnessgym_mcp" in started["args"]
    assert (str(desk.project) in started["args"]) == (scope == "project")
    code, body = desk.json("disconnect", client)
    assert (code, {f["action"] for f in body["files"]}) == (0, {"remove"})
    assert [p for p in paths if p.exists()] == []


@BOTH
def test_a_second_connect_changes_nothing_and_makes_no_backup(desk, client, scope):
    desk.run("connect", client, "--scope", scope)
    before = {p: (p.read_bytes(), p.stat().st_ino) for p in place(desk, scope).rglob("*") if p.is_file()}
    code, body = desk.json("connect", client, "--scope", scope)
    assert (code, {f["action"] for f in body["files"]}) == (0, {"unchanged"})
    assert {p: (p.read_bytes(), p.stat().st_ino) for p in place(desk, scope).rglob("*") if p.is_file()} == before


def test_codex_gets_what_it_needs_and_keeps_its_comments(desk):
    path = desk.home / ".codex" / "config.toml"
    path.parent.mkdir()
    mine = '# my model\nmodel = "o9"  # the best\n\n[mcp_servers.other]\ncommand = "x"\n'
    path.write_text(mine)
    assert desk.run("connect", "codex", "--scope", "user")[0] == 0
    said = read(path)
    started = said["mcp_servers"]["harnessgym"]
    assert {k: v for k, v in started.items() if k not in ("command", "args")} == {
        "required": True,
        "startup_timeout_sec": 30,
        "tool_timeout_sec": 300,
        "default_tools_approval_mode": "approve",
    }
    assert said["features"] == {"mcp_tool_list_changed": True}
    assert path.read_text().startswith(mine)
    assert (path.parent / "config.toml.bak").read_text() == mine
    assert desk.run("disconnect", "codex")[0] == 0
    assert path.read_text() == mine


def test_claude_is_allowed_to_start_it_and_to_use_its_tools(desk):
    desk.run("connect", "claude")
    said = read(desk.project / ".claude" / "settings.local.json")
    assert said == {"enabledMcpjsonServers": ["harnessgym"], "permissions": {"allow": ["mcp__harnessgym"]}}
    assert entry(desk.project / ".mcp.json")["timeout"] == 300_000


def test_ask_leaves_approvals_to_the_client_and_takes_former_ones_back(desk):
    for _ in range(2):
        assert desk.run("connect", "claude", "codex", "gemini", "--ask")[0] == 0
        assert read(desk.project / ".claude" / "settings.local.json") == {"enabledMcpjsonServers": ["harnessgym"]}
        assert entry(desk.project / ".codex" / "config.toml")["default_tools_approval_mode"] == "auto"
        assert entry(desk.project / ".gemini" / "settings.json")["trust"] is False
        desk.run("disconnect", "claude", "codex", "gemini")
        desk.run("connect", "claude", "codex", "gemini")


def test_comments_in_an_editors_file_stay(desk):
    path = desk.project / ".vscode" / "mcp.json"
    path.parent.mkdir()
    mine = '{\n\t// ours, ask Kim\n\t"servers": {\n\t\t"db": {"command": "db"}, // slow\n\t},\n}\n'
    path.write_text(mine)
    assert desk.run("connect", "vscode")[0] == 0
    text = path.read_text()
    assert '"harnessgym"' in text
    assert [line for line in mine.splitlines() if line not in text.splitlines()] == []
    desk.run("disconnect", "vscode")
    assert path.read_text() == mine


def test_what_cannot_be_kept_is_refused_with_the_text_to_paste(desk):
    path = desk.project / ".vscode" / "mcp.json"
    path.parent.mkdir()
    mine = '{"servers": {"harnessgym": {"command": "harnessgym", "args": ["serve" /* mine */]}}}'
    path.write_text(mine)
    code, _, err = desk.run("connect", "vscode")
    assert code == 4
    assert "a comment stands inside" in err
    assert f'"{desk.project}"' in err
    assert path.read_text() == mine
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("client", "name", "text"),
    [
        ("claude", ".mcp.json", b'{"mcpServers": {'),
        ("claude", ".mcp.json", b"\xff\xfe{}"),
        ("claude", ".mcp.json", b"[]"),
        ("claude", ".mcp.json", b'{"mcpServers": 3}'),
        ("codex", ".codex/config.toml", b"[mcp_servers\n"),
        ("codex", ".codex/config.toml", b"mcp_servers = 3\n"),
    ],
)
def test_a_broken_file_is_told_and_left_alone(desk, client, name, text):
    path = desk.project / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text)
    code, body = desk.json("connect", client)
    assert (code, body["error"]["code"]) == (4, "client-config")
    assert str(path) in body["error"]["message"]
    assert "serve" in body["error"]["hint"]
    assert path.read_bytes() == text
    assert list(path.parent.iterdir()) == [path]


def test_one_broken_file_does_not_keep_other_clients_from_being_connected(desk):
    (desk.project / ".mcp.json").write_text("{")
    code, body = desk.json("connect", "claude", "cursor")
    assert code == 4
    assert [e["client"] for e in body["errors"]] == ["claude"]
    assert [f["client"] for f in body["files"]] == ["cursor"]
    assert (desk.project / ".cursor" / "mcp.json").exists()


def test_another_server_of_that_name_is_not_touched(desk):
    path = desk.project / ".cursor" / "mcp.json"
    path.parent.mkdir()
    path.write_text('{"mcpServers": {"harnessgym": {"command": "gym-manager"}}}')
    for command in ("connect", "disconnect"):
        code, _, err = desk.run(command, "cursor")
        assert code == 2
        assert "--name" in err
    assert "gym-manager" in path.read_text()
    assert desk.run("connect", "cursor", "--name", "tools")[0] == 0
    assert set(read(path)["mcpServers"]) == {"harnessgym", "tools"}


@pytest.mark.parametrize("client", ["claude", "codex", "cursor", "vscode", "gemini"])
def test_an_entry_of_another_name_tells_the_server_and_is_known_to_the_doctor(desk, client):
    assert desk.run("connect", client, "--name", "mine")[0] == 0
    _, body = desk.json("doctor", "--only", f"client-{client}")
    check = next(c for c in body["checks"] if c["id"] == f"client-{client}")
    assert (check["status"], check["details"]["project"]) == ("ok", "connected")
    assert desk.run("disconnect", client, "--name", "mine")[0] == 0


def test_a_dry_run_shows_everything_and_writes_nothing(desk):
    code, out, _ = desk.run("connect", "claude", "codex", "--dry-run")
    assert code == 0
    assert f"would write {desk.project}/.mcp.json" in out
    assert "[mcp_servers.harnessgym]" in out
    assert "required = true" in out
    assert list(desk.project.iterdir()) == []


def test_what_was_asked_for_travels_in_the_arguments(desk):
    home, state = desk.project / "h", desk.project / "s"
    desk.run("connect", "codex", "--home", str(home), "--state", str(state), "--set", "isolation.tier=B")
    args = entry(desk.project / ".codex" / "config.toml")["args"]
    assert args[args.index("serve") :] == [
        *("serve", "--workspace", str(desk.project), "--home", str(home), "--state", str(state)),
        *("--set", "isolation.tier=B"),
    ]


def test_editors_say_which_folder_they_work_in(desk):
    desk.run("connect", "cursor", "vscode", "--scope", "user")
    for path in (".cursor/mcp.json", ".config/Code/User/mcp.json"):
        assert "${workspaceFolder}" in entry(desk.home / path)["args"]


def test_a_linked_file_is_written_where_the_link_leads_and_keeps_its_mode(desk):
    real = desk.home / "dotfiles" / "claude.json"
    real.parent.mkdir()
    real.write_text('{"token": "t"}\n')
    real.chmod(0o600)
    link = desk.home / ".claude.json"
    link.symlink_to(real)
    assert desk.run("connect", "claude", "--scope", "user")[0] == 0
    assert link.is_symlink()
    assert read(real)["token"] == "t"
    assert entry(real)["args"][:1] == ["serve"]
    assert [p.stat().st_mode & 0o777 for p in (real, real.parent / "claude.json.bak")] == [0o600, 0o600]


def test_new_files_of_the_user_are_private(desk):
    desk.run("connect", "claude", "--scope", "user")
    assert (desk.home / ".claude.json").stat().st_mode & 0o077 == 0


def test_a_projects_link_out_of_the_project_is_not_followed(desk):
    other = desk.home / "other.json"
    other.write_text("{}")
    (desk.project / ".mcp.json").symlink_to(other)
    code, _, err = desk.run("connect", "claude")
    assert code == 4
    assert "leads out of the project" in err
    assert other.read_text() == "{}"


def test_a_pipe_in_the_files_place_is_not_waited_for(desk):
    os.mkfifo(desk.project / ".mcp.json")
    code, _, err = desk.run("connect", "claude")
    assert code == 4
    assert "not a file" in err


def test_a_file_that_changed_meanwhile_is_not_overwritten(desk):
    path = desk.project / ".mcp.json"
    path.write_text("{}")
    places = Places(desk.project, desk.home, {})
    change = plan_connect("claude", "project", Serving("harnessgym", ("harnessgym", "serve"), 1, 1), places)[0]
    path.write_text('{"mine": 1}')
    with pytest.raises(Exception, match="changed meanwhile"):
        apply(change)
    assert read(path) == {"mine": 1}


def test_each_change_has_its_own_backup(desk):
    desk.run("connect", "cursor")
    desk.run("connect", "cursor", "--set", "isolation.tier=B")
    desk.run("connect", "cursor", "--set", "isolation.tier=A")
    names = sorted(p.name for p in (desk.project / ".cursor").iterdir())
    assert names == ["mcp.json", "mcp.json.bak", "mcp.json.bak-2"]


def test_clients_move_their_config_by_variables(desk, monkeypatch):
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(desk.home / "c"))
    monkeypatch.setenv("CODEX_HOME", str(desk.home / "x"))
    desk.run("connect", "claude", "codex", "--scope", "user")
    assert entry(desk.home / "c" / ".claude.json")
    assert (desk.home / "c" / "settings.json").exists()
    assert entry(desk.home / "x" / "config.toml")


def test_all_means_the_clients_that_are_here(desk, monkeypatch):
    monkeypatch.setenv("PATH", str(desk.programs))
    code, _, err = desk.run("connect", "--all")
    assert code == 2
    assert "none was found" in err
    desk.program("codex")
    (desk.home / ".cursor").mkdir()
    code, body = desk.json("connect", "--all")
    assert code == 0
    assert [f["client"] for f in body["files"]] == ["codex", "cursor"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "which client?"),
        (("claud",), "did you mean claude?"),
        (("claude", "--name", "a b"), "cannot name the entry"),
        (("claude", "--set", "nonsense=1"), "nonsense"),
    ],
)
def test_words_that_are_off_are_told(desk, words, told):
    code, _, err = desk.run("connect", *words)
    assert code == 2
    assert told in err
    assert list(desk.project.iterdir()) == []


def test_disconnecting_what_is_not_connected_says_so(desk):
    code, out, _ = desk.run("disconnect", "claude")
    assert code == 0
    assert "not connected" in out


def test_a_file_without_our_entry_stays_even_when_it_is_empty(desk):
    path = desk.project / ".mcp.json"
    path.write_text("{}\n")
    assert desk.run("disconnect", "claude")[0] == 0
    assert path.read_text() == "{}\n"
    assert desk.run("connect", "claude", "--scope", "user", "--ask")[0] == 0
    assert not (desk.home / ".claude" / "settings.json").exists()


def test_every_client_has_files_in_both_scopes():
    assert {client for client, _ in FILES} == set(CLIENTS)


@pytest.mark.parametrize(
    ("new", "fine"),
    [
        ({"a": 1, "mcpServers": {"x": {}, "h": {"command": "c"}}}, True),
        ({"a": 1, "mcpServers": {"x": {}, "h": {"command": "c", "mine": 1}}}, True),
        ({"a": 1, "mcpServers": {"x": {}, "h": {"command": "d"}}}, False),
        ({"a": 1, "mcpServers": {"x": {}}}, False),
        ({"a": 1, "mcpServers": {"h": {"command": "c"}}}, False),
        ({"a": 2, "mcpServers": {"x": {}, "h": {"command": "c"}}}, False),
        ({"mcpServers": {"x": {}, "h": {"command": "c", "a": 1}}}, False),
    ],
)
def test_an_edit_is_read_back_before_it_is_written(new, fine):
    wish = FileWish(Path("x"), "json", (Put(("mcpServers", "h"), {"command": "c"}),))
    assert holds({"a": 1, "mcpServers": {"x": {}}}, new, wish, connect=True) is fine


def test_skills_are_linked_and_unlinked_with_the_client(desk):
    desk.submit()
    link = desk.project / ".claude" / "skills" / "adder"
    assert desk.run("connect", "claude", "--skills", "--dry-run")[0] == 0
    assert not link.exists()
    code, body = desk.json("connect", "--skills")
    assert (code, body["files"]) == (0, [])
    assert (link / "SKILL.md").is_file()
    assert body["links"]
    assert desk.run("disconnect", "claude", "--skills")[0] == 0
    assert not link.is_symlink()


@pytest.mark.parametrize(
    ("program", "temporary"),
    [
        ("/home/u/.cache/uv/archive-v0/x/bin/harnessgym", True),
        ("/var/uv/archive-v0/x/bin/harnessgym", True),
        ("/home/u/.local/share/uv/tools/harnessgym-mcp/bin/harnessgym", False),
    ],
)
def test_an_installation_that_may_vanish_is_known(program, temporary):
    assert is_temporary((program, "serve")) is temporary
