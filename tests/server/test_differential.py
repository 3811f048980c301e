"""The same frame sent straight to a server and through the switchboard gives the same answer, but for the id."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harnessgym_mcp.core.digest import pins
from harnessgym_mcp.core.frames import parse_answer, splice_answer

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
spellings = st.sampled_from([{}, {"separators": (",", ":")}, {"ensure_ascii": False}, {"indent": 1}])
extras = st.dictionaries(st.sampled_from(["task", "x-unknown", "requestState", "inputResponses"]), values, max_size=2)


class Loop:
    """A bench that outlives one example: hypothesis runs many in one test."""

    def __init__(self, bench_type: Any, version_of: Any, policy: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.bench = self.run(self._make(bench_type, version_of, policy))

    async def _make(self, bench_type: Any, version_of: Any, policy: Any) -> Any:
        bench = bench_type(policy)
        version = await version_of("mirror")
        assert version.pins == pins(version.tools)
        await bench.mount(mirror=version)
        self.direct = await asyncio.create_subprocess_exec(
            sys.executable,
            *version.launch.args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"PATH": os.environ["PATH"]},
            limit=1 << 24,
        )
        return bench

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def both(self, frame: dict[str, Any], spelling: dict[str, Any]) -> tuple[Any, Any]:
        straight = json.dumps({**frame, "params": {**frame["params"], "name": "mirror"}}, **spelling)
        await self._straight(straight.replace("\n", " "))
        answer = json.loads(await self.direct.stdout.readline())
        self.bench.frames.clear()
        through = json.dumps({**frame, "params": {**frame["params"], "name": "mirror__mirror"}}, **spelling)
        self.bench.send(through.replace("\n", " ").encode("utf-8", "surrogatepass"))
        return answer, await self.bench.until(lambda: self.bench.answer(frame["id"]))

    async def _straight(self, text: str) -> None:
        self.direct.stdin.write(text.encode("utf-8", "surrogatepass") + b"\n")
        await self.direct.stdin.drain()

    async def close(self) -> None:
        self.direct.stdin.close()
        await self.direct.wait()
        self.direct._transport.close()
        await self.bench.table.close(0.5)


@pytest.fixture(scope="module")
def both_ways(bench_parts: Any) -> Iterator[Loop]:
    loop = Loop(*bench_parts)
    yield loop
    loop.run(loop.close())
    loop.loop.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(id=st.integers() | st.text(max_size=12), arguments=values, more=extras, spelling=spellings, early=st.booleans())
def test_equal_answers_both_ways(both_ways, id, arguments, more, spelling, early):
    name = {"name": "?"}
    params = (
        {**name, **more, "arguments": {"value": arguments}}
        if early
        else {**more, "arguments": {"value": arguments}, **name}
    )
    frame = {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}
    straight, through = both_ways.run(both_ways.both(frame, spelling))
    assert through == straight
    assert type(through["id"]) is type(id)


@settings(max_examples=300, deadline=None)
@given(
    id=st.integers(0, 10**9),
    result=st.dictionaries(st.text(max_size=8), values, max_size=5),
    spelling=spellings,
    order=st.permutations(["jsonrpc", "id", "result"]),
    more=st.dictionaries(st.sampled_from(["x", "_meta"]), values, max_size=1),
)
def test_any_spelling_of_an_answer_is_passed_on_whole(id, result, spelling, order, more):
    whole = {"jsonrpc": "2.0", "id": id, "result": {**result, **more}}
    frame = json.dumps({k: whole[k] for k in order}, **spelling).replace("\n", " ").encode("utf-8", "surrogatepass")
    answer = parse_answer(frame)
    assert answer is not None
    assert answer.id == id
    assert json.loads(b"".join(splice_answer(b'"client"', answer))) == {**whole, "id": "client"}
    bridged = json.loads(b"".join(splice_answer(b"1", answer, modern=True)))
    assert bridged["result"] == {"resultType": "complete"} | whole["result"]
