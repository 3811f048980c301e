"""Exports, their determinism, their way back, and what other programs say of them."""

import asyncio
import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import jsonschema
import pytest

CLIENTS = Path.home() / ".cache/harnessgym-clients/node_modules/.bin"
TEXT = {"type": "string", "minLength": 1}
SERVER_JSON = {  # what the registry's schema of 2025-12-11 says of the fields that are used
    "type": "object",
    "required": ["$schema", "name", "description", "version", "packages"],
    "properties": {
        "name": {**TEXT, "pattern": "^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$", "maxLength": 200},
        "title": {**TEXT, "maxLength": 100},
        "description": {**TEXT, "maxLength": 100},
        "version": {**TEXT, "maxLength": 255, "not": {"const": "latest"}},
        "packages": {
            "items": {
                "required": ["registryType", "identifier", "version", "transport"],
                "properties": {
                    "registryType": {"enum": ["npm", "pypi", "cargo", "oci", "nuget", "mcpb"]},
                    "identifier": TEXT,
                    "version": TEXT,
                    "fileSha256": {"pattern": "^[a-f0-9]{64}$"},
                    "transport": {"required": ["type"], "properties": {"type": {"const": "stdio"}}},
                },
                "additionalProperties": False,
            }
        },
    },
}


def exported(place, name, format, *more):
    code, told = place.run("export", name, "--format", format, *more)
    assert code == 0, told
    return told


@pytest.mark.parametrize("format", ["mcpb", "plugin", "claude", "registry"])
async def test_the_same_bytes_come_out_each_time(filled, format):
    first = exported(filled, "adder", format)
    data = Path(first["path"]).read_bytes()
    os.utime(filled.home.generated("adder") / "server.py", (1, 1))
    os.umask(os.umask(0o077))
    again = exported(
        filled,
        "adder",
        format,
        "-o",
        str(filled.workspace / "again"),
        *(["-o", "again.zip"] if format == "claude" else []),
    )
    assert Path(again["path"]).read_bytes() == data
    assert (first["sha256"], first["bytes"]) == (again["sha256"], len(data))


@pytest.mark.parametrize("format", ["mcpb", "plugin", "claude"])
async def test_the_way_back_gives_the_same_artifact(filled, make_place, format):
    path = exported(filled, "adder", format)["path"]
    other = make_place("other")
    code, told = other.run("import", path)
    assert (code, told["artifacts"][0]["status"]) == (0, "qualified"), told
    assert told["artifacts"][0]["notes"] == []
    assert other.registry.artifacts["adder"].current == filled.registry.artifacts["adder"].current
    assert os.access(other.home.generated("adder") / "tools/run.sh", os.X_OK)


async def test_a_changed_export_is_told_and_judged(filled, make_place, tmp_path):
    path = exported(filled, "adder", "mcpb")["path"]
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "x")
    (tmp_path / "x/server.py").write_text("raise SystemExit(1)\n")
    code, told = make_place("other").run("import", str(tmp_path / "x"))
    assert (code, told["artifacts"][0]["status"]) == (10, "rejected")
    assert "files were changed" in told["artifacts"][0]["notes"][0]


async def test_a_skill_goes_as_a_plugin_and_not_as_a_bundle(filled, make_place):
    path = exported(filled, "steps", "claude", "-o", "steps.zip")["path"]
    other = make_place("other")
    assert other.run("import", path)[0] == 0
    assert other.registry.artifacts["steps"].current == filled.registry.artifacts["steps"].current
    for format in ("mcpb", "registry"):
        code, told = filled.run("export", "steps", "--format", format)
        assert (code, told["error"]["code"]) == (2, "format")


async def test_a_folder_is_written_and_only_ours_is_replaced(filled, tmp_path):
    target = tmp_path / "plugin"
    exported(filled, "adder", "claude", "-o", str(target))
    assert json.loads((target / ".claude-plugin/plugin.json").read_text())["name"] == "adder"
    entry = json.loads((target / ".mcp.json").read_text())["mcpServers"]["adder"]
    assert entry["args"] == ["${CLAUDE_PLUGIN_ROOT}/server.py"]
    exported(filled, "adder", "claude", "-o", str(target))
    (target / ".claude-plugin/harnessgym.json").unlink()
    code, told = filled.run("export", "adder", "--format", "claude", "-o", str(target))
    assert (code, told["error"]["code"]) == (2, "usage")
    assert (target / "server.py").exists()


async def test_an_edited_or_missing_artifact_is_not_exported(filled):
    assert filled.run("export", "nothing", "--format", "mcpb")[0] == 3
    digest = filled.registry.artifacts["adder"].current
    copy = filled.stores.objects.path(digest) / "server.py"
    copy.chmod(0o644)
    copy.write_text("tampered\n")
    assert filled.run("export", "adder", "--format", "mcpb")[0] == 0  # generated/ still has the true content
    (filled.home.generated("adder") / "server.py").write_text("edited\n")
    code, told = filled.run("export", "adder", "--format", "mcpb")
    assert (code, told["error"]["code"]) == (4, "state")


async def test_an_artifact_with_a_manifest_of_its_own_is_refused_as_a_bundle(place, write):
    done = await place.submitter.submit(write(place.draft("adder"), {"manifest.json": "{}"}))
    assert done.verdict.qualified
    code, told = place.run("export", "adder", "--format", "mcpb")
    assert (code, told["error"]["hint"]) == (2, "use --format plugin")
    assert place.run("export", "adder", "--format", "plugin")[0] == 0


async def test_the_registry_entry_fits_its_schema(filled):
    told = exported(
        filled, "adder", "registry", "--namespace", "io.github.me", "--url", "https://example.org/adder.mcpb"
    )
    entry = json.loads(Path(told["path"]).read_text())
    jsonschema.validate(entry, SERVER_JSON)
    assert entry["name"] == "io.github.me/adder"
    bundle = exported(filled, "adder", "mcpb")
    assert entry["packages"][0]["fileSha256"] == bundle["sha256"].removeprefix("sha256:")
    assert filled.run("export", "adder", "--format", "registry", "--namespace", "a/b")[0] == 2


async def test_a_bundle_asks_its_user_for_what_the_artifact_needs(place, write):
    draft = place.draft("adder")
    plugin = json.loads((draft / "plugin.json").read_text())
    plugin["extensions"]["io.harnessgym"]["permissions"] = {"workspace": "read"}
    write(draft, {"plugin.json": json.dumps(plugin), "notes.txt": "PLUGIN_DATA\n"})
    assert (await place.submitter.submit(draft)).verdict.qualified
    with zipfile.ZipFile(exported(place, "adder", "mcpb")["path"]) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert set(manifest["user_config"]) == {"workspace", "data"}
    assert manifest["server"]["mcp_config"]["env"]["HARNESSGYM_WORKSPACE"] == "${user_config.workspace}"
    assert [t["name"] for t in manifest["tools"]] == ["add-up"]


# ---- what others say


@pytest.fixture(scope="session")
def mcpb_tool(tmp_path_factory):
    """The official tool, installed where npm is and an index can be reached."""
    if not shutil.which("npm") or not shutil.which("npx"):
        pytest.skip("npx is not installed")
    folder = tmp_path_factory.mktemp("mcpb")
    install = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefer-offline", "@anthropic-ai/mcpb"]
    try:
        done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=100)
    except subprocess.TimeoutExpired:
        pytest.skip("npm cannot install @anthropic-ai/mcpb in time")
    if done.returncode:
        pytest.skip("npm cannot install @anthropic-ai/mcpb")
    return folder


@pytest.mark.slow
async def test_the_official_tool_accepts_a_bundle(filled, mcpb_tool, tmp_path):
    path = exported(filled, "adder", "mcpb")["path"]

    def tool(*words):
        done = subprocess.run(
            ["npx", "--no-install", "mcpb", *words], cwd=mcpb_tool, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    tool("unpack", path, str(tmp_path / "bundle"))
    assert "passes" in tool("validate", str(tmp_path / "bundle/manifest.json"))
    assert "adder" in tool("info", path)


@pytest.mark.client
async def test_claude_code_accepts_a_plugin(filled, tmp_path):
    claude = CLIENTS / "claude"
    if not claude.exists():
        pytest.skip("Claude Code is not installed")
    exported(filled, "adder", "claude", "-o", str(tmp_path / "plugin"))
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    words = [str(claude), "plugin", "validate", str(tmp_path / "plugin"), "--json"]
    done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, timeout=100, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
