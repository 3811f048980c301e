"""A new version is held to what the one before it answered."""

import pytest

from harnessgym_mcp.qualify.request import Previous, Sample


def _changed(source, old, new):
    server = source / "server.py"
    text = server.read_text()
    assert old in text
    server.write_text(text.replace(old, new))
    return source


@pytest.fixture
def before(judge, build):
    """A qualified first version."""

    async def make(**more):
        source = build()
        verdict = (await judge(source)).verdict
        assert verdict.qualified
        return Previous(source=str(source), digest=verdict.digest, tools=verdict.tools, **more)

    return make


async def test_a_version_that_answers_as_before_qualifies(judge, build, before, tmp_path):
    previous = await before(samples=[Sample(tool="add-up", arguments={"values": [4]})])
    new = _changed(build("again"), "An example to be rewritten", "Rewritten")
    (new / "plugin.json").write_text((new / "plugin.json").read_text().replace('"again"', '"adder"'))
    verdict = (await judge(new, previous=previous)).verdict
    assert verdict.qualified, verdict.findings


async def test_another_answer_to_the_old_self_test_is_refused(judge, build, before, ids):
    previous = await before()
    calls = [
        {"tool": "add-up", "arguments": {"values": [1, 2]}, "expect": {"json": {"$.sum": 3}}},
        {"tool": "add-up", "arguments": {"values": [5]}, "expect": {"json": {"$.sum": 5}}},
        {"tool": "add-up", "arguments": {}, "expect": {"isError": True}},
    ]
    new = _changed(build("newer", self_test={"calls": calls}), '"total": sum', '"sum": sum')
    assert ids((await judge(new, previous=previous)).verdict) == ["regression.self-test"] * 3


async def test_a_tool_that_is_gone_is_refused(judge, build, before, ids):
    previous = await before()
    gone = Previous(
        source=previous.source, digest=previous.digest, tools=[*previous.tools, {"name": "subtract", "inputSchema": {}}]
    )
    new = _changed(build("newer"), "An example", "Another example")
    assert ids((await judge(new, previous=gone)).verdict) == ["regression.tool-gone"]


async def test_a_recorded_call_that_now_fails_is_told(judge, build, before):
    previous = await before(samples=[Sample(tool="add-up", arguments={"values": ["1"]})])
    new = _changed(build("newer"), "An example", "Another example")
    verdict = (await judge(new, previous=previous)).verdict
    assert verdict.qualified
    assert [f.id for f in verdict.findings] == ["regression.recorded-call"]


async def test_the_same_tree_is_not_compared_with_itself(judge, build, before):
    previous = await before()
    assert (await judge(build(), previous=previous)).verdict.qualified
