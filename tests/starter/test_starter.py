"""What all artifacts of the starter harness have in common: they qualify, and keep the house's rules."""

import ast
import json
import sys
from collections import defaultdict
from pathlib import Path

import pytest

STARTER = Path(__file__).parents[2] / "generated"
SOURCES = sorted(STARTER.glob("*/*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("tier", ["auto", "B"])
async def test_it_qualifies(harness, artifact, tier):
    verdict = await harness.run("qualify", "--set", f"isolation.tier={tier}", str(STARTER / artifact))
    if tier == "B" and verdict.get("status") != "qualified" and "isolation" in str(verdict.get("code", "")):
        pytest.skip("tier B does not work on this machine")
    assert [f for f in verdict["findings"] if f["severity"] != "info"] == []
    assert verdict["status"] == "qualified"
    assert {s["id"] for s in verdict["stages"] if s["status"] == "passed"} >= {"self-test", "sabotage", "footprint"}


async def test_its_version_is_told_alike_by_the_manifest_and_the_server(bench, artifact):
    async with bench.server(artifact) as server:
        await server.ask(1, "initialize", protocolVersion="2025-06-18")
        info = (await server.receive())["result"]["serverInfo"]
    manifest = json.loads((STARTER / artifact / "plugin.json").read_text())
    assert (info["name"], info["version"]) == (manifest["name"], manifest["version"]) == (artifact, info["version"])


async def test_each_tool_says_when_to_use_it_and_each_argument_what_it_is(bench, artifact):
    async with bench.server(artifact) as server:
        await server.ask(1, "tools/list")
        tools = (await server.receive())["result"]["tools"]
    for tool in tools:
        assert 120 <= len(tool["description"]) <= 900, tool["name"]
        assert "Use it" in tool["description"]
        assert "  " not in tool["description"]
        assert len(f"mcp__harnessgym__{artifact}__{tool['name']}") <= 64
        for name, schema in tool["inputSchema"]["properties"].items():
            assert schema.get("description"), f"{tool['name']} {name}"


def test_each_has_a_skill_that_names_all_its_tools(artifact):
    skill = (STARTER / artifact / "skills" / artifact / "SKILL.md").read_text()
    definitions = ast.parse((STARTER / artifact / "definitions.py").read_text())
    names = {n.value.values[0].value for n in ast.walk(definitions) if isinstance(n, ast.AnnAssign) and _is_tool(n)}
    assert names
    assert [name for name in names if f"{artifact}__{name}" not in skill] == []


def _is_tool(node):
    return isinstance(node.value, ast.Dict) and getattr(node.value.keys[0], "value", "") == "name"


def test_files_of_one_name_that_are_shared_are_the_same_everywhere():
    copies = defaultdict(list)
    for path in SOURCES:
        if path.name not in ("server.py", "definitions.py"):
            copies[path.name].append(path.read_bytes())
    assert {len(found) for name, found in copies.items() if name == "wire.py"} == {5}
    assert [name for name, found in copies.items() if len(set(found)) > 1] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_sources_are_short_say_what_they_are_for_and_need_the_standard_library_alone(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 300
    assert max(map(len, text.splitlines())) <= 120
    assert ast.get_docstring(tree)
    local = {p.stem for p in path.parent.glob("*.py")}
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= local | set(sys.stdlib_module_names)


def test_functions_are_small():
    lengths = sorted(
        (n.end_lineno or n.lineno) - n.lineno + 1
        for path in SOURCES
        for n in ast.walk(ast.parse(path.read_text()))
        if isinstance(n, ast.FunctionDef)
    )
    assert lengths[len(lengths) // 2] <= 10
    assert lengths[int(len(lengths) * 0.95)] <= 25
