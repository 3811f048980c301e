"""Everything else that can be imported, through the real clean room."""

import json
import shutil
import signal
import subprocess
import zipfile

import pytest

from harnessgym_mcp.qualify.scaffold import scaffold

ECHO = scaffold("echo", tools=["say"])["server.py"]
SKILL = "---\nname: {0}\ndescription: How to {0}.\n---\n\n# {0}\n"


def status(told):
    return {a["name"]: a["status"] for a in told["artifacts"]}


def zipped(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder).as_posix())
    return path


def bundle(**more):
    config = {"command": "python", "args": ["${__dirname}/server/main.py"]}
    server = {"type": "python", "entry_point": "server/main.py", "mcp_config": config}
    about = {"name": "Say It", "version": "1.0.0", "description": "Says it.", "author": {"name": "me"}}
    return json.dumps({"manifest_version": "0.3", **about, "server": server, **more})


def test_a_bundle_of_somebody_elses_is_qualified_and_works(place, write, tmp_path):
    files = {"manifest.json": bundle(), "server/main.py": ECHO, "icon.png": b"\x89PNG"}
    path = zipped(write(tmp_path / "b", files), tmp_path / "say.mcpb")
    code, told = place.run("import", str(path))
    assert (code, status(told)) == (0, {"say-it": "qualified"}), told
    warnings = {f["id"] for f in told["artifacts"][0]["findings"]}
    assert "self-test.uncovered" in warnings
    code, answer = place.run("call", "say-it__say", "--arguments", '{"values": [1, 2]}')
    assert '"total": 3' in answer["result"]["content"][0]["text"]
    assert not (place.home.generated("say-it") / "manifest.json").exists()


def test_an_import_may_lack_tests_but_not_lie(place, write, tmp_path):
    silent = "import sys\nfor line in sys.stdin: pass\n"
    files = {"manifest.json": bundle(), "server/main.py": silent}
    path = zipped(write(tmp_path / "b", files), tmp_path / "say.mcpb")
    code, told = place.run("import", str(path), "--set", "qualify.start=2")
    assert (code, status(told)) == (10, {"say-it": "rejected"})
    assert told["artifacts"][0]["verdict"]["isolation"]["tier"]
    assert place.registry.quarantine[0].name == "say-it"


async def test_an_agents_own_artifact_is_not_excused_by_saying_that_it_is_imported(place):
    from harnessgym_mcp.core.iteration import Iteration

    draft = place.draft("adder")
    plugin = json.loads((draft / "plugin.json").read_text())
    plugin["extensions"]["io.harnessgym"] |= {"imported_from": "mcpb", "self_test": {}}
    (draft / "plugin.json").write_text(json.dumps(plugin))
    verdict = await place.submitter.judge(draft)
    assert verdict.qualified, verdict.errors
    done = await place.submitter.submit(draft, iteration=Iteration(id="s-1", session="s", name="adder"))
    assert "self-test.uncovered" in [f.id for f in done.verdict.errors]


def test_a_name_and_access_can_be_chosen(place, write, tmp_path):
    path = zipped(write(tmp_path / "b", {"manifest.json": bundle(), "server/main.py": ECHO}), tmp_path / "say.mcpb")
    code, told = place.run("import", str(path), "--name", "teller", "--access", "read")
    assert (code, status(told)) == (0, {"teller": "qualified"})
    assert place.registry.artifacts["teller"].version.launch.permissions.workspace == "read"


def test_a_dry_run_keeps_nothing(place, write, tmp_path):
    path = zipped(write(tmp_path / "b", {"manifest.json": bundle(), "server/main.py": ECHO}), tmp_path / "say.mcpb")
    code, told = place.run("import", str(path), "--dry-run")
    assert (code, status(told)) == (0, {"say-it": "qualified"})
    assert (place.registry.artifacts, place.registry.quarantine) == ({}, [])


def test_entries_of_a_configuration_carry_their_programs(place, write):
    config = {
        "mcpServers": {
            "nested": {"command": "python3", "args": [str(place.workspace / "tools/say/server.py")]},
            "remote": {"type": "http", "url": "https://example.org/mcp"},
            "harnessgym": {"command": "harnessgym", "args": ["serve"]},
            "fetched": {"command": "npx", "args": ["-y", "some-server"]},
        }
    }
    files = {"tools/say/server.py": ECHO, "tools/say/data.txt": "x", "unrelated.py": "Y = 1\n"}
    write(place.workspace, {".mcp.json": json.dumps(config), **files})
    code, told = place.run("import", ".mcp.json")
    expected = {"nested": "qualified", "remote": "skipped", "harnessgym": "skipped", "fetched": "rejected"}
    assert status(told) == expected, told
    assert code == 10
    nested = {p.name for p in (place.home.generated("nested") / "tools/say").iterdir()}
    assert nested == {"server.py", "data.txt"}
    findings = {a["name"]: [f["id"] for f in a["findings"] if f["severity"] == "error"] for a in told["artifacts"]}
    assert findings["fetched"] == ["manifest.fetches"]


def test_one_entry_can_be_named(place, write):
    config = {
        "mcpServers": {"a": {"command": "python3", "args": ["a.py"]}, "b": {"command": "python3", "args": ["b.py"]}}
    }
    write(place.workspace, {".mcp.json": json.dumps(config), "a.py": ECHO, "b.py": ECHO, "helper.py": "X = 1\n"})
    code, told = place.run("import", ".mcp.json#b")
    assert (code, status(told)) == (0, {"b": "qualified"}), told
    assert {p.name for p in place.home.generated("b").iterdir()} == {"b.py", "mcp.json", "plugin.json"}
    code, told = place.run("import", ".mcp.json#c")
    assert (code, told["error"]["hint"]) == (3, "it has: a, b")


def test_a_program_takes_along_what_it_imports_of_the_project(place, write):
    flat = ECHO.replace("import json", "import helper\nimport json", 1)
    config = {"mcpServers": {"flat": {"command": "python3", "args": ["flat.py"]}}}
    files = {
        "helper.py": "import lib.more\n",
        "lib/__init__.py": "",
        "lib/more.py": "X = 1\n",
        "unrelated.py": "Y = 1\n",
    }
    write(place.workspace, {".mcp.json": json.dumps(config), "flat.py": flat, **files})
    code, told = place.run("import", ".")
    assert (code, status(told)) == (0, {"flat": "qualified"}), told
    root = place.home.generated("flat")
    carried = {p.relative_to(root).as_posix() for p in root.rglob("*.py")}
    assert carried == {"flat.py", "helper.py", "lib/__init__.py", "lib/more.py"}


def test_only_the_program_is_taken_along_and_nothing_hidden(place, write, tmp_path):
    """Other arguments may name files that are nobody's business, and so may a folder's hidden ones."""
    outside = write(tmp_path / "elsewhere", {"say.py": ECHO, ".env": "SECRET=1", "key.txt": "x"})
    config = {
        "mcpServers": {
            "a": {"command": "node", "args": ["-r", "secrets.txt", "missing.js", "secrets.txt"]},
            "b": {"command": "some-tool", "args": ["secrets.txt"]},
            "c": {"command": "python3", "args": [str(outside / "say.py"), str(outside / "key.txt")]},
        }
    }
    write(place.workspace, {".mcp.json": json.dumps(config), "secrets.txt": "x", "missing.txt": ""})
    place.run("import", ".mcp.json")
    kept = {p.name for p in place.home.root.rglob("*") if p.is_file()}
    assert not kept & {
        "secrets.txt",
        "secrets.txt.quarantined",
        ".env",
        ".env.quarantined",
        "key.txt",
        "key.txt.quarantined",
    }
    assert "say.py" in {name.removesuffix(".quarantined") for name in kept}


def test_a_folder_leaves_its_hidden_files_and_environments_behind(place, write):
    config = {"mcpServers": {"say": {"command": "python3", "args": ["tools/say.py"]}}}
    files = {"tools/say.py": ECHO, "tools/.env": "SECRET=1", "tools/venv/pyvenv.cfg": "", "tools/venv/lib/x.py": "x"}
    write(place.workspace, {".mcp.json": json.dumps(config), **files})
    code, told = place.run("import", ".")
    assert (code, status(told)) == (0, {"say": "qualified"}), told
    root = place.home.generated("say")
    assert {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()} == {
        "mcp.json",
        "plugin.json",
        "tools/say.py",
    }


def test_two_artifacts_of_one_import_do_not_become_one(place, write):
    config = {
        "mcpServers": {"say": {"command": "python3", "args": ["a.py"]}, "Say": {"command": "python3", "args": ["b.py"]}}
    }
    write(place.workspace, {".mcp.json": json.dumps(config), "a.py": ECHO, "b.py": ECHO + "\n"})
    code, told = place.run("import", ".mcp.json")
    assert (code, [a["status"] for a in told["artifacts"]]) == (10, ["qualified", "refused"])
    code, told = place.run("import", ".mcp.json", "--name", "one")
    assert (code, told["error"]["code"]) == (2, "usage")
    code, told = place.run("import", ".mcp.json#Say")
    assert (code, status(told)) == (0, {"say": "qualified"})
    assert "follows version" in told["artifacts"][0]["notes"][-1]
    assert len(place.registry.artifacts["say"].versions) == 2


def test_a_claude_plugin_with_its_skills_is_one_artifact(place, write, tmp_path):
    entry = {"command": "python3", "args": ["${CLAUDE_PLUGIN_ROOT}/server.py"], "env": {"MODE": "x"}}
    files = {
        ".claude-plugin/plugin.json": json.dumps({"name": "sayer", "version": "2.0.0", "description": "Says."}),
        ".mcp.json": json.dumps({"mcpServers": {"say": entry}}),
        "server.py": ECHO,
        "skills/say-well/SKILL.md": SKILL.format("say-well"),
    }
    path = zipped(write(tmp_path / "repo-main" / "x", files).parent, tmp_path / "plugin.zip")
    code, told = place.run("import", str(path))
    assert (code, status(told)) == (0, {"sayer": "qualified"}), told
    version = place.registry.artifacts["sayer"].version
    assert (version.version, version.skills) == ("2.0.0", ["skills/say-well/SKILL.md"])


def test_an_agent_plugin_of_several_servers_is_taken_apart(place, write, tmp_path):
    other = ECHO.replace('"say"', '"tell"').replace("say:", "tell:")
    servers = {
        "a": {"type": "stdio", "command": "python3", "args": ["${PLUGIN_ROOT}/a.py"]},
        "b": {"type": "stdio", "command": "python3", "args": ["${PLUGIN_ROOT}/b.py"]},
        "c": {"type": "streamable-http", "url": "https://example.org"},
    }
    base = "https://agent-plugins.org/schemas/1.0.0"
    files = {
        "plugin.json": json.dumps({"$schema": f"{base}/plugin.schema.json", "name": "pair", "description": "Two."}),
        "mcp.json": json.dumps({"$schema": f"{base}/mcp.schema.json", "mcpServers": servers}),
        "a.py": ECHO,
        "b.py": other,
        "skills/both/SKILL.md": SKILL.format("both"),
    }
    code, told = place.run("import", str(write(tmp_path / "pair", files)))
    expected = {"c": "skipped", "pair-a": "qualified", "pair-b": "qualified", "both": "qualified"}
    assert (code, status(told)) == (0, expected), told


def test_a_skill_is_imported_from_its_folder_or_its_file(place, write, tmp_path):
    folder = write(tmp_path / "tidy", {"SKILL.md": SKILL.format("tidy"), "scripts/x.sh": "#!/bin/sh\n"})
    code, told = place.run("import", str(folder))
    assert (code, status(told)) == (0, {"tidy": "qualified"}), told
    code, told = place.run("import", str(folder / "SKILL.md"))
    assert (code, status(told)) == (0, {"tidy": "qualified"})
    assert place.registry.artifacts["tidy"].kind == "skill"


def test_a_skill_without_front_matter_is_rejected_with_the_way_to_repair_it(place, write, tmp_path):
    code, told = place.run("import", str(write(tmp_path / "tidy", {"SKILL.md": "# Tidy\n"})))
    assert (code, status(told)) == (10, {"tidy": "rejected"})
    fixes = [f["fix"] for f in told["artifacts"][0]["findings"] if f["severity"] == "error"]
    assert "begin it with ---" in fixes[0]


async def test_another_workspaces_harness_is_imported_whole(place, make_place):
    other = make_place("other")
    for draft in (other.draft("adder"), other.draft("steps", kind="skill")):
        assert (await other.submitter.submit(draft)).verdict.qualified
    code, told = place.run("import", str(other.workspace))
    assert (code, status(told)) == (0, {"adder": "qualified", "steps": "qualified"}), told
    digests = {name: a.current for name, a in place.registry.artifacts.items()}
    assert digests == {name: a.current for name, a in other.registry.artifacts.items()}


def test_what_was_rejected_can_be_judged_again_when_policy_has_changed(place, write):
    entry = {"command": "python3", "args": ["tools/say.py"], "env": {"SAY_TOKEN": "${SAY_TOKEN}"}}
    write(place.workspace, {".mcp.json": json.dumps({"mcpServers": {"say": entry}}), "tools/say.py": ECHO})
    code, told = place.run("import", ".")
    assert (code, [f["id"] for f in told["artifacts"][0]["findings"] if f["severity"] == "error"]) == (
        10,
        ["manifest.permission"],
    )
    code, told = place.run("import", told["artifacts"][0]["evidence"], "--set", "grants.env=SAY_TOKEN")
    assert (code, status(told)) == (0, {"say": "qualified"}), told


@pytest.mark.parametrize("name", ["missing", "missing.zip", ".mcp.json#x"])
def test_what_is_not_there_is_told(place, name):
    code, told = place.run("import", name)
    assert (code, told["error"]["code"]) == (3, "not-found")


def test_a_folder_with_nothing_in_it_is_told(place, tmp_path):
    (tmp_path / "empty").mkdir()
    code, told = place.run("import", str(tmp_path / "empty"))
    assert (code, told["error"]["code"]) == (3, "not-found")


def test_a_hostile_archive_is_refused_with_findings(place, tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.mcpb", "w") as archive:
        info = zipfile.ZipInfo("x")
        info.filename = "../../evil"
        archive.writestr(info, b"x")
    code, told = place.run("import", str(tmp_path / "evil.mcpb"))
    assert (code, status(told)) == (10, {"evil": "refused"})
    assert told["artifacts"][0]["findings"][0]["id"] == "import.traversal"
    assert "import.traversal" in place.say("import", str(tmp_path / "evil.mcpb"))


def test_an_import_that_is_killed_leaves_all_or_nothing(place, write, tmp_path):
    path = zipped(write(tmp_path / "b", {"manifest.json": bundle(), "server/main.py": ECHO}), tmp_path / "say.mcpb")
    for words in (0, 1):
        process = subprocess.Popen(place.argv("import", str(path)), stdout=subprocess.PIPE, cwd=place.workspace)
        for _ in range(words):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        code, told = place.run("list")
        assert (code, told["artifacts"]) == (0, [])
    code, told = place.run("import", str(path))
    assert (code, status(told)) == (0, {"say-it": "qualified"})
    shutil.rmtree(tmp_path / "b")
