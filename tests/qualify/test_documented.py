"""The example in docs/artifacts.md qualifies, and its tables name every field."""

import json
import re
from pathlib import Path

from harnessgym_mcp.core.manifest import Dependencies, Expect, Extension, LimitsModel, PermissionsModel
from harnessgym_mcp.qualify.gate import STAGES

TEXT = (Path(__file__).parents[2] / "docs" / "artifacts.md").read_text()
SERVER = Path(__file__).parent / "controls" / "plain" / "server.py"


async def test_the_smallest_server_of_the_documentation_qualifies(judge, tmp_path):
    plugin, mcp = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.S)[:2])
    for name, value in (
        ("plugin.json", json.dumps(plugin)),
        ("mcp.json", json.dumps(mcp)),
        ("server.py", SERVER.read_text()),
    ):
        (tmp_path / "draft").mkdir(exist_ok=True)
        (tmp_path / "draft" / name).write_text(value)
    verdict = (await judge(tmp_path / "draft")).verdict
    assert verdict.qualified, verdict.findings


def test_every_field_of_the_extension_has_its_row():
    for field in Extension.model_fields:
        assert re.search(rf"\| `{field}(?:\.\w+)?` \|", TEXT), field
    for section, model in (("dependencies", Dependencies), ("permissions", PermissionsModel), ("limits", LimitsModel)):
        for field in model.model_fields:
            assert f"`{section}.{field}`" in TEXT or field in ("subprocess", "devices"), field


def test_every_expectation_has_its_row():
    for field in Expect.model_fields:
        assert f"| `{field.rstrip('_')}` |" in TEXT, field


def test_every_stage_has_its_row_in_order():
    rows = re.findall(r"^\| ([a-z-]+) \|", TEXT, re.M)
    assert [s.id for s in STAGES] == [r for r in rows if r in {s.id for s in STAGES}]
