"""docs/findings.md and docs/verdict.schema.json say what the code does, no more and no less."""

import ast
import json
import re
from pathlib import Path

import harnessgym_mcp.qualify
from harnessgym_mcp.core.verdict import schema
from harnessgym_mcp.qualify.catalogue import FINDINGS, table

DOCS = Path(__file__).parents[2] / "docs"
SOURCES = Path(harnessgym_mcp.qualify.__file__).parent
STAGES = {id.partition(".")[0] for id in FINDINGS}
POISON = ("hidden-characters", "terminal-code", "instruction", "pipe-to-shell")
TREE = ("symlink", "special", "setuid", "name", "name-long", "collision", "unreadable", "too-deep", "too-many")
COMPOSED = {
    *(f"{stage}.{kind}" for stage in ("lint", "boot", "fuzz") for kind in POISON),
    *(f"intake.{id}" for id in (*TREE, "too-large", "changed", "not-a-folder")),
    *(f"protocol.{id}" for id in ("ping", "unknown-method", "unknown-tool", "drift")),
    *("concurrency.died", "concurrency.missing", "portability.drift"),
}
"""Ids that the code puts together from parts; the parts are those of the poison check, the store's scan, the probes."""


def _written_out() -> set[str]:
    """Ids that stand in the sources as they are."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        if path.name == "catalogue.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                match = re.fullmatch(r"([a-z-]+)\.[a-z-]+", node.value)
                if match and match[1] in STAGES:
                    found.add(node.value)
    return found


def test_every_finding_of_the_code_is_in_the_catalogue_and_the_other_way_round():
    assert _written_out() | COMPOSED == set(FINDINGS)


def test_the_documentation_is_the_catalogue():
    assert (DOCS / "findings.md").read_text() == table()


def test_the_store_names_no_problem_that_the_catalogue_lacks():
    from harnessgym_mcp.store.tree import TreeRefused

    told = re.search(r"Ids: ([\w, -]+(?:\n\s+[\w, -]+)*)", TreeRefused.__doc__ or "")
    assert told is not None
    assert {f"intake.{id.strip()}" for id in re.split(r"[,\n]", told[1]) if id.strip()} <= set(FINDINGS)


def test_the_schema_of_a_verdict_is_as_documented():
    assert json.loads((DOCS / "verdict.schema.json").read_text()) == schema()
