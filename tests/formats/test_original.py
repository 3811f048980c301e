"""Bundles of the original HarnessGym."""

import json
from pathlib import Path

import pytest

from harnessgym_mcp.core.formats.common import FormatError, Terms, artifact_name, fitting_name
from harnessgym_mcp.core.formats.original import draft_of, server_of, told_of
from harnessgym_mcp.core.manifest import parse_manifest

SERVER = (Path(__file__).parent / "servers" / "plan_server.py").read_text()
OBJECTIVE = (
    "import json\n\n\ndef score(plan):\n    return sum(v for v in plan.values() if isinstance(v, int | float))\n\n\n"
    "if __name__ == '__main__':\n    print(score(json.load(open('plan.json'))))\n"
)
TEST = (
    "import json, sys\nsys.path.insert(0, '.')\nimport objective\n"
    "assert objective.score(json.load(open('.harnessgym/fixtures/best.json'))) == {0}\n"
)
MANIFEST = {
    "name": "plan-server",
    "command": "python3",
    "args": [".harnessgym/mcp/plan/plan_server.py"],
    "cwd": ".",
    "enabled_tools": ["score_plan", "apply_plan"],
    "timeouts": {"startup_seconds": 10, "tool_seconds": 180},
    "self_test": True,
}


def tree(manifest=MANIFEST, expected=7, **more):
    """A bundle's files, relative to its `.harnessgym/`."""
    return {
        "mcp/plan/harnessgym-mcp.json": json.dumps(manifest),
        "mcp/plan/plan_server.py": SERVER,
        "fixtures/best.json": '{"a": 3, "b": 4}',
        "tests/test_plan.py": TEST.format(expected),
        **more,
    }


@pytest.fixture
def workspace(place, write):
    write(place.workspace, {"objective.py": OBJECTIVE, "plan.json": '{"a": 1, "b": 1}'})
    return place


# ---- the whole way


def test_a_bundle_works_as_it_did_where_it_was_made(workspace, write, tmp_path):
    skill = "---\nname: plan-skill\ndescription: How to plan.\n---\n"
    registry = {
        "version": 1,
        "artifacts": [{"path": ".harnessgym/mcp/plan/harnessgym-mcp.json", "description": "Plans."}],
    }
    files = tree(**{"skills/plan-skill/SKILL.md": skill, "registry.json": json.dumps(registry)})
    code, told = workspace.run("import", str(write(tmp_path / "old" / ".harnessgym", files).parent))
    assert [(a["name"], a["kind"], a["status"]) for a in told["artifacts"]] == [
        ("plan-server", "server", "qualified"),
        ("plan-skill", "skill", "qualified"),
    ], told
    assert code == 0

    def call(tool, **arguments):
        return workspace.run("call", f"plan-server__{tool}", "--arguments", json.dumps(arguments))[1]

    def body(answer):
        return json.loads(answer["result"]["content"][0]["text"])

    assert body(call("score_plan")) == {"score": 2}
    assert body(call("score_plan", fixture="best")) == {"score": 7}
    assert body(call("apply_plan", plan={"a": 5})) == {"printed": "5", "applied": 1}
    assert body(call("apply_plan", plan={"a": 6})) == {"printed": "6", "applied": 2}
    assert json.loads((workspace.workspace / "plan.json").read_text()) == {"a": 6}
    version = workspace.registry.artifacts["plan-server"].version
    assert (version.description, version.launch.wire.framing, version.launch.limits.call_ms) == (
        "Plans.",
        "headers",
        180_000,
    )


def test_a_failing_self_test_rejects_it(workspace, write, tmp_path):
    code, told = workspace.run("import", str(write(tmp_path / ".harnessgym", tree(expected=8))))
    assert code == 10
    artifact = told["artifacts"][0]
    assert artifact["status"] == "rejected"
    assert "self-test.command" in [f["id"] for f in artifact["findings"] if f["severity"] == "error"]
    assert Path(artifact["evidence"]).is_dir()


def test_a_bundle_in_the_workspace_itself_is_imported_in_place(workspace, write):
    entry = {"path": ".harnessgym/mcp/plan/harnessgym-mcp.json", "description": "Plans."}
    registry = json.dumps({"version": 1, "artifacts": [entry]})
    write(workspace.workspace / ".harnessgym", tree(**{"registry.json": registry}))
    assert workspace.run("list")[0] == 0
    code, told = workspace.run("import", ".")
    assert workspace.registry.artifacts["plan-server"].version.description == "Plans."
    assert (code, [a["status"] for a in told["artifacts"]]) == (0, ["qualified"]), told
    kept = list((workspace.workspace / ".harnessgym").glob("registry.json.corrupt-*"))
    assert [path.read_text() for path in kept] == [registry]


def test_one_bad_server_does_not_stop_the_others(workspace, write, tmp_path):
    files = tree(
        **{"mcp/bad/mcp.json": '{"name": "bad"}', "mcp/worse/mcp.json": "{", "mcp/link/mcp.json": '{"command": "x"}'}
    )
    root = write(tmp_path / ".harnessgym", files)
    (root / "mcp/link/outside").symlink_to("/etc")
    code, told = workspace.run("import", str(root))
    status = {
        a["name"]: (a["status"], [f["id"] for f in a["findings"] if f["severity"] == "error"])
        for a in told["artifacts"]
    }
    assert code == 10
    assert status["plan-server"][0] == "qualified"
    assert status["bad"] == ("refused", ["import.format"])
    assert status["worse"] == ("refused", ["import.format"])
    assert status["link"] == ("refused", ["import.symlink"])


def test_what_was_quarantined_there_is_judged_only_when_asked(workspace, write, tmp_path):
    entry = {"kind": "mcp", "path": ".harnessgym/mcp/plan/harnessgym-mcp.json"}
    entry["metadata"] = {"quarantined": True, "quarantine": {"status": "quarantined", "reason": "smoke failed"}}
    registry = json.dumps({"artifacts": [entry]})
    root = write(tmp_path / ".harnessgym", tree(**{"registry.json": registry}))
    code, told = workspace.run("import", str(root))
    assert (code, told["artifacts"][0]["status"]) == (0, "skipped")
    assert "smoke failed" in told["artifacts"][0]["notes"][0]
    code, told = workspace.run("import", str(root), "--quarantined")
    assert (code, told["artifacts"][0]["status"]) == (0, "qualified")


def test_a_skill_with_a_servers_name_goes_with_it(workspace, write, tmp_path):
    files = tree(**{"skills/plan/SKILL.md": "---\nname: plan-server\ndescription: How to plan.\n---\n"})
    _, told = workspace.run("import", str(write(tmp_path / ".harnessgym", files)))
    assert [a["name"] for a in told["artifacts"]] == ["plan-server"]
    assert workspace.registry.artifacts["plan-server"].version.skills == ["skills/plan-server/SKILL.md"]


# ---- manifests


FILES = [".harnessgym/mcp/x/server.py", ".harnessgym/fixtures/a.json"]


def normalised(**manifest):
    return server_of({"command": "python3", "args": [".harnessgym/mcp/x/server.py"], **manifest}, "x", FILES)


@pytest.mark.parametrize(
    ("self_test", "command"),
    [
        (True, ["python3", ".harnessgym/mcp/x/server.py", "--self-test"]),
        ("python3 t.py 'a b'", ["python3", "t.py", "a b"]),
        (["python3", "t.py", 3], ["python3", "t.py", "3"]),
        ({"command": "python3 t.py"}, ["python3", "t.py"]),
        ({"command": "python3", "args": ["t.py"]}, ["python3", "t.py"]),
        ({"command": ["python3", "t.py"], "timeout_ms": 5}, ["python3", "t.py"]),
        ({"command": ["/usr/bin/python3.11", "t.py"]}, ["python3", "t.py"]),
    ],
)
def test_every_form_of_self_test_is_read(self_test, command):
    assert normalised(self_test=self_test).self_test == (command, ".")


@pytest.mark.parametrize("self_test", [None, False, "", []])
def test_no_self_test_is_none(self_test):
    assert normalised(self_test=self_test).self_test is None


def test_a_self_test_may_have_a_folder_of_its_own():
    found = normalised(self_test={"command": ["python3", "server.py"], "cwd": ".harnessgym/mcp/x"})
    assert found.self_test == (["python3", "server.py"], ".harnessgym/mcp/x")


@pytest.mark.parametrize(
    ("manifest", "limits"),
    [
        ({}, {}),
        ({"startup_timeout_sec": 5, "tool_timeout_sec": "7"}, {"startup_ms": 5000, "call_ms": 7000}),
        ({"timeouts": {"startup_seconds": 5, "tool_timeout_sec": 7}}, {"startup_ms": 5000, "call_ms": 7000}),
        ({"timeouts": {"initialize_ms": 5, "tool_call_ms": 700}}, {"startup_ms": 5, "call_ms": 700}),
        ({"startup_timeout_sec": 1, "timeouts": {"startup_seconds": 9}}, {"startup_ms": 1000}),
        ({"timeouts": {"startup_seconds": 2, "startup_ms": 9}}, {"startup_ms": 2000}),
        ({"tool_timeout_sec": 3600}, {"call_ms": 290_000}),
    ],
)
def test_timeouts_are_read_flat_nested_and_in_milliseconds(manifest, limits):
    assert normalised(**manifest).limits == limits


@pytest.mark.parametrize(
    ("cwd", "expected"),
    [
        (None, "."),
        (".", "."),
        ("sub/../other", "other"),
        (".harnessgym/mcp/x", ".harnessgym/mcp/x"),
        ("/tmp/trained/here", "."),
        ("/tmp/trained/here/.harnessgym/mcp/x", ".harnessgym/mcp/x"),
        ("C:\\Users\\me\\project", "."),
    ],
)
def test_a_working_directory_is_one_of_the_workspace(cwd, expected):
    assert normalised(cwd=cwd).cwd == expected


def test_paths_of_another_machine_become_the_workspaces():
    found = normalised(
        command="/home/me/venv/bin/python3",
        args=["/tmp/ws/.harnessgym/mcp/x/server.py", "--data", "/tmp/ws/data.csv", "--other", "/elsewhere/x", "./a"],
        cwd="/tmp/ws",
    )
    assert found.command == [
        "python3",
        ".harnessgym/mcp/x/server.py",
        "--data",
        "data.csv",
        "--other",
        "/elsewhere/x",
        "a",
    ]
    assert "/tmp/ws" in found.notes[0]


def test_paths_into_the_bundle_are_relative_to_the_working_directory():
    found = normalised(args=["/w/.harnessgym/fixtures/a.json"], cwd=".harnessgym/mcp/x")
    assert found.command == ["python3", "../../fixtures/a.json"]


def test_a_program_of_the_bundle_is_started_from_the_view():
    found = server_of({"command": "./server.py", "cwd": ".harnessgym/mcp/x"}, "x", FILES)
    assert found.command == ["${PLUGIN_DATA}/workspace/.harnessgym/mcp/x/server.py"]


@pytest.mark.parametrize(
    "manifest",
    [
        [],
        {},
        {"command": ""},
        {"command": "x", "args": "y"},
        {"command": "x", "args": [{}]},
        {"command": "x", "cwd": "../.."},
        {"command": "x", "cwd": 7},
        {"command": "x", "tool_timeout_sec": "soon"},
        {"command": "x", "tool_timeout_sec": True},
        {"command": "x", "self_test": {"command": 7}},
        {"command": "../../../bin/sh"},
    ],
)
def test_a_manifest_that_is_none_is_refused(manifest):
    with pytest.raises(FormatError):
        server_of(manifest, "x", FILES)


def test_the_draft_is_a_manifest_of_ours():
    draft = draft_of(normalised(name="My Plan_Server", self_test=True), Terms(), description="d", iteration=3)
    manifest = parse_manifest(draft.plugin, draft.mcp)
    assert (manifest.name, manifest.extension.imported_from, manifest.extension.iteration) == (
        "my-plan-server",
        "harnessgym",
        "3",
    )
    assert manifest.extension.permissions.workspace == "write"
    assert manifest.extension.self_test.command[:3] == ["python3", "${PLUGIN_ROOT}/in_workspace.py", "."]
    assert draft_of(normalised(), Terms(access="none")).plugin["extensions"]["io.harnessgym"]["permissions"] == {
        "workspace": "none"
    }


def test_names_are_made_legal_and_short_enough_for_every_client():
    assert artifact_name("H100 Triton__RMSNorm!") == "h100-triton-rmsnorm"
    assert artifact_name("..") == "imported"
    assert artifact_name("harnessgym-tools") == "imported-harnessgym-tools"
    assert artifact_name("x" * 100) == "x" * 64
    assert fitting_name("h100-triton-rmsnorm-harness", ["joint_source_launch_search"], 64) == "h100-triton-rmsnorm"
    assert fitting_name("short", ["x" * 60], 64) == "short"


@pytest.mark.parametrize(
    "registry", [None, [], {}, {"artifacts": {}}, {"artifacts": [7, {"kind": "mcp"}, {"path": 7}]}]
)
def test_a_registry_that_cannot_be_read_tells_nothing(registry):
    assert told_of(registry) == {}
