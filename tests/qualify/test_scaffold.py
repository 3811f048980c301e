import ast
import json
from pathlib import Path

import pytest

from harnessgym_mcp.errors import NameRefused
from harnessgym_mcp.qualify.scaffold import scaffold


def _write(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.mark.parametrize("tools", [[], ["add-up"], ["one", "two.three", "Vier"]])
async def test_the_untouched_scaffold_qualifies(judge, tmp_path, tools):
    source = _write(tmp_path / "draft", scaffold("my-tool", tools=tools, why="it was missing"))
    verdict = (await judge(source)).verdict
    assert (verdict.status, [f.id for f in verdict.findings]) == ("qualified", [])
    assert [t["name"] for t in verdict.tools] == (tools or ["example"])


async def test_a_skill_alone_qualifies_without_a_server(judge, tmp_path):
    files = scaffold("my-skill", "skill", description='How to do a thing: with a colon and "quotes"')
    assert sorted(files) == ["plugin.json", "skills/my-skill/SKILL.md"]
    judgement = await judge(_write(tmp_path / "draft", files))
    verdict = judgement.verdict
    assert (verdict.status, verdict.kind, verdict.skills) == ("qualified", "skill", ["skills/my-skill/SKILL.md"])
    assert verdict.findings == []
    assert judgement.version is not None
    assert judgement.version.launch is None


def test_what_was_selected_is_in_the_manifest():
    files = scaffold("x", tools=["a"], why="w", prediction={"metric": "score"}, extends="y", iteration="i-1")
    extension = json.loads(files["plugin.json"])["extensions"]["io.harnessgym"]
    told = {k: extension[k] for k in ("why", "prediction", "extends", "iteration")}
    assert told == {"why": "w", "prediction": {"metric": "score"}, "extends": "y", "iteration": "i-1"}


@pytest.mark.parametrize(
    "why", ['quotes "and" \\backslashes', "@@TOOLS@@", "line\nbreak {braces} ${PLUGIN_ROOT}", "☃ \x1b[31m"]
)
async def test_hostile_words_stay_words(judge, tmp_path, why):
    files = scaffold("x", tools=["a"], why=why, description=why)
    ast.parse(files["server.py"])
    verdict = (await judge(_write(tmp_path / "draft", files))).verdict
    assert verdict.status == "qualified", verdict.findings


@pytest.mark.parametrize(
    ("name", "tools"), [("Bad Name", []), ("harnessgym", []), ("x", ["no spaces"]), ("x" * 40, ["y" * 40])]
)
def test_names_that_cannot_be_used_are_refused_at_once(name, tools):
    with pytest.raises(NameRefused):
        scaffold(name, tools=tools)
