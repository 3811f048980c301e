"""Entries of client configurations and MCP bundles, as data."""

import json
import tomllib

import pytest

from harnessgym_mcp.core.formats import mcpb
from harnessgym_mcp.core.formats.common import FormatError, Terms
from harnessgym_mcp.core.formats.entries import candidates, draft_of, entries_of, entry_of
from harnessgym_mcp.core.launch import Launch
from harnessgym_mcp.core.manifest import parse_manifest


def recipe(raw, program="", root="/w", **how):
    """`(command, args, env, cwd)` and the extension of the artifact that an entry becomes."""
    draft = draft_of(entry_of("tool", raw, root), program, Terms(), origin="mcp.json", **how)
    manifest = parse_manifest(draft.plugin, draft.mcp)
    return (manifest.command, manifest.args, manifest.env, manifest.cwd), manifest.extension


WORKSPACE, ROOT = "${HARNESSGYM_WORKSPACE}", "${PLUGIN_ROOT}"


@pytest.mark.parametrize(
    ("raw", "program", "expected"),
    [
        ({"command": "python3", "args": ["tools/s.py", "-v"]}, "tools/s.py", ("python3", [f"{ROOT}/tools/s.py", "-v"])),
        ({"command": "/w/.venv/bin/python", "args": ["/w/s.py"]}, "s.py", ("python3", [f"{ROOT}/s.py"])),
        ({"command": "node", "args": ["./s.mjs"]}, "s.mjs", ("node", [f"{ROOT}/s.mjs"])),
        ({"command": "./bin/tool"}, "bin/tool", (f"{ROOT}/bin/tool", [])),
        ({"command": "uv", "args": ["run", "--with", "mcp,httpx", "s.py"]}, "s.py", ("python3", [f"{ROOT}/s.py"])),
        ({"command": "uv", "args": ["run", "--quiet", "python", "s.py"]}, "s.py", ("python3", [f"{ROOT}/s.py"])),
        (
            {"command": "uv", "args": ["--directory", "sub", "run", "s.py"]},
            "sub/s.py",
            ("python3", [f"{ROOT}/sub/s.py"]),
        ),
        ({"command": "npx", "args": ["-y", "pkg"]}, "", ("npx", ["-y", "pkg"])),
        (
            {"command": "python", "args": ["s.py", "${CLAUDE_PROJECT_DIR}/x"]},
            "s.py",
            ("python3", [f"{ROOT}/s.py", f"{WORKSPACE}/x"]),
        ),
        ({"command": "python3", "args": ["s.py", "${PORT:-80}"]}, "s.py", ("python3", [f"{ROOT}/s.py", "80"])),
    ],
)
def test_the_program_is_the_artifacts_own_and_the_rest_the_workspaces(raw, program, expected):
    (command, args, _, _), extension = recipe(raw, program)
    assert (command, args) == expected
    assert program in [*candidates(entry_of("tool", raw, "/w")), ""]
    assert extension.imported_from == "mcp.json"


def test_a_module_is_looked_for_in_the_artifact_alone():
    (command, args, env, cwd), _ = recipe({"command": "python3", "args": ["-m", "pkg.server", "x"]}, "pkg/server.py")
    assert (command, args, env, cwd) == ("python3", ["-P", "-m", "pkg.server", "x"], {"PYTHONPATH": ROOT}, WORKSPACE)


def test_it_starts_in_the_workspace_only_where_it_may_see_it():
    raw = {"command": "python3", "args": ["s.py"], "cwd": "/w/sub"}
    assert recipe(raw, "sub/s.py")[0][3] == f"{WORKSPACE}/sub"
    assert recipe(raw, "sub/s.py", access="none")[0][3] == f"{ROOT}/sub"


def test_packages_are_declared():
    _, extension = recipe({"command": "uv", "args": ["run", "--with", "mcp,httpx", "--with=rich", "s.py"]}, "s.py")
    assert extension.dependencies.packages == ["mcp", "httpx", "rich"]


def test_variables_have_to_be_granted_by_name_and_secrets_are_not_written_down():
    env = {
        "MODE": "fast",
        "HOME": "/root",
        "USER_ID": "${USER_ID}",
        "API_KEY": "abc",
        "LOG": "${LOG:-info}",
        "X": "sk-abcdefgh12345",
        "DATA": "${CLAUDE_PLUGIN_DATA}/d",
    }
    entry = entry_of("tool", {"command": "x", "env": env})
    assert entry.env == {"MODE": "fast", "LOG": "info", "DATA": "${PLUGIN_DATA}/d"}
    assert entry.wants == ["USER_ID", "API_KEY", "X"]
    assert "abc" not in str(entry.notes)
    draft = draft_of(entry, "", Terms(), origin="mcp.json")
    assert draft.plugin["extensions"]["io.harnessgym"]["permissions"]["env"] == ["USER_ID", "API_KEY", "X"]


@pytest.mark.parametrize(
    "raw",
    [
        7,
        {},
        {"command": 7},
        {"command": "x", "args": "y"},
        {"command": "x", "env": [1]},
        {"command": "x", "args": ["${TOKEN}"]},
    ],
)
def test_an_entry_that_cannot_be_carried_is_refused(raw):
    with pytest.raises(FormatError):
        entry_of("tool", raw)


def test_entries_are_found_where_clients_keep_them():
    assert entries_of({"mcpServers": {"a": {}}}) == {"a": {}}
    assert entries_of({"servers": {"a": {}}}) == {"a": {}}
    for other in (None, [], {}, {"mcpServers": []}):
        with pytest.raises(FormatError):
            entries_of(other)


# ---- bundles


def bundle(server, **more):
    return {
        "manifest_version": "0.3",
        "name": "My Tool",
        "version": "1.2.3",
        "description": "d",
        "server": server,
        **more,
    }


def drafted(manifest, files=("server/main.py",), settings=None, **terms):
    draft = mcpb.draft_of(manifest, set(files), Terms(settings=settings or {}, **terms), platform="linux")
    return draft, parse_manifest(draft.plugin, draft.mcp)


PYTHON = {
    "type": "python",
    "entry_point": "server/main.py",
    "mcp_config": {
        "command": "python",
        "args": ["${__dirname}/server/main.py"],
        "env": {"PYTHONPATH": "${__dirname}/server/lib"},
    },
}


def test_a_bundle_becomes_an_artifact_of_its_own_files():
    about = {"author": {"name": "me"}, "license": "MIT", "repository": {"type": "git", "url": "https://x.y/z"}}
    draft, manifest = drafted(bundle(PYTHON, keywords=["a"], **about))
    assert (manifest.name, manifest.version, manifest.command) == ("my-tool", "1.2.3", "python3")
    assert (manifest.args, manifest.env) == ([f"{ROOT}/server/main.py"], {"PYTHONPATH": f"{ROOT}/server/lib"})
    assert (manifest.cwd, manifest.extension.permissions.workspace) == (ROOT, "none")
    assert draft.plugin["license"] == "MIT"
    assert draft.plugin["repository"] == "https://x.y/z"


def test_a_bundle_without_a_start_command_starts_its_entry_point():
    _, manifest = drafted(bundle({"type": "uv", "entry_point": "server/main.py"}))
    assert (manifest.command, manifest.args) == ("python3", [f"{ROOT}/server/main.py"])


def test_this_platforms_overrides_count():
    config = {"command": "x", "args": ["a"], "env": {"A": "1"}}
    config["platform_overrides"] = {
        "linux": {"command": "./server/main.py", "env": {"B": "2"}},
        "win32": {"command": "z"},
    }
    _, manifest = drafted(bundle({"type": "binary", "entry_point": "server/main.py", "mcp_config": config}))
    assert (manifest.command, manifest.args, manifest.env) == (f"{ROOT}/server/main.py", ["a"], {"A": "1", "B": "2"})


def settings_of(config, user_config, **settings):
    server = {"type": "python", "entry_point": "server/main.py", "mcp_config": config}
    return drafted(bundle(server, user_config=user_config), settings=settings)


def test_settings_take_what_is_given_then_their_default():
    config = {"command": "python3", "args": ["server/main.py", "--n=${user_config.n}", "${user_config.many}"]}
    user_config = {
        "n": {"type": "number", "default": 3},
        "many": {"type": "string", "multiple": True, "default": ["a", "b"]},
    }
    assert settings_of(config, user_config)[1].args[1:] == ["--n=3", "a", "b"]
    assert settings_of(config, user_config, n="9", many="x,y")[1].args[1:] == ["--n=9", "x", "y"]


def test_an_optional_setting_falls_away_and_a_needed_one_is_asked_for():
    config = {"command": "python3", "args": ["server/main.py", "${user_config.x}"], "env": {"X": "${user_config.x}"}}
    _, manifest = settings_of(config, {"x": {"type": "string"}})
    assert (manifest.args, manifest.env) == ([f"{ROOT}/server/main.py"], {})
    with pytest.raises(FormatError) as caught:
        settings_of(config, {"x": {"type": "string", "required": True}})
    assert "--config x=VALUE" in caught.value.hint


def test_a_folder_is_the_workspace_and_a_secret_is_the_environments():
    config = {
        "command": "python3",
        "args": ["server/main.py", "${user_config.dir}"],
        "env": {"KEY": "${user_config.key}"},
    }
    user_config = {
        "dir": {"type": "directory", "required": True, "default": ["${HOME}/Desktop"]},
        "key": {"type": "string", "sensitive": True, "required": True},
    }
    _, manifest = settings_of(config, user_config)
    assert manifest.args[1:] == [WORKSPACE]
    assert (manifest.env, manifest.extension.permissions.env) == ({}, ["KEY"])
    assert manifest.extension.permissions.workspace == "read"


@pytest.mark.parametrize(
    "manifest",
    [
        bundle(PYTHON) | {"name": 7},
        bundle(7),
        bundle({"type": "binary"}),
        bundle({"type": "node", "mcp_config": {"args": []}}),
    ],
)
def test_a_bundle_without_what_it_needs_is_refused(manifest):
    with pytest.raises(FormatError):
        drafted(manifest)


@pytest.mark.parametrize("value", [None, [], {"name": "x"}, {"manifest_version": "0.3"}, {"server": {}}])
def test_other_files_called_manifest_json_are_no_bundles(value):
    assert not mcpb.is_manifest(value)
    assert mcpb.added_by_us(value) == []


def test_a_bundle_of_an_artifact_with_packages_declares_them_for_uv():
    plugin = {"name": "tool", "version": "1.0.0", "description": "d", "author": {"name": "me"}}
    launch = Launch(
        command="python3", args=["${PLUGIN_ROOT}/s.py", "${HARNESSGYM_WORKSPACE}"], packages=['a"b', "c>=1"]
    )
    added = mcpb.files_for(plugin, launch, "s.py", [{"name": "t"}], "sha256:x", uses_data=False)
    project = tomllib.loads(added["pyproject.toml"])["project"]
    assert (project["name"], project["dependencies"]) == ("tool", ['a"b', "c>=1"])
    manifest = json.loads(added["manifest.json"])
    assert (manifest["manifest_version"], manifest["server"]["type"]) == ("0.4", "uv")
    config = manifest["server"]["mcp_config"]
    assert config["args"] == [
        "run",
        "--directory",
        "${__dirname}",
        "python3",
        "${__dirname}/s.py",
        "${user_config.workspace}",
    ]
    assert mcpb.added_by_us(manifest) == ["manifest.json", "pyproject.toml"]
