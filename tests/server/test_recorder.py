"""What is kept of an ended call: the names of its arguments, never their values, and no large frame for long."""

import gc
from pathlib import Path

import pytest
from msgspec import Raw, Struct

from harnessgym_mcp.core.events import Alike, CallEvent, Ended, Session
from harnessgym_mcp.core.frames import encode, parse_answer
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.errors import UpstreamDiedError
from harnessgym_mcp.server.forwarded import Attributed
from harnessgym_mcp.server.recorder import Reading
from harnessgym_mcp.store.callstats import recent_calls
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.telemetry import TelemetryWriter
from harnessgym_mcp.upstream.call import HEAVY, Call

DEADLINE = 60.0
SECRET = "hunter2-hunter2"
ALIKE = Alike(
    caller=Session(id="s", client="c", front="f"),
    session="s",
    thread="",
    tool_use="",
    artifact="lens",
    digest="sha256:x",
    tool="look",
    origin="agent",
    via="",
)


def ended(arguments: bytes | None = b"{}", text: str = "fine") -> Attributed:
    call = Attributed(
        alike=ALIKE,
        params={} if arguments is None else {"arguments": Raw(arguments)},
        timeout=1.0,
        done=lambda _: None,
    )
    answer = parse_answer(b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":%b}]}}' % encode(text))
    assert answer
    call.answered(answer)
    return call


def event(one: Attributed, policy: Policy | None = None) -> CallEvent:
    (kept,) = Reading(policy or Policy())([one]).events()
    return kept


@pytest.mark.parametrize(
    ("arguments", "names", "size"),
    [
        (b'{"path": "a", "line": 2}', '["path","line"]', 24),
        (b'{"a": 1, "a": 2, "b": {"c": 3}}', '["a","b"]', 31),
        (b"{}", "[]", 2),
        (None, "[]", 0),
        (b"[1, 2]", "[]", 6),
        (b'{"x": "\\ud800"}', '["x"]', 15),
        (b'{"%b": 1}' % (b"k" * 500), '["%s"]' % ("k" * 80), 507),
    ],
)
def test_names_and_size_of_the_arguments_are_kept(arguments: bytes | None, names: str, size: int) -> None:
    kept = event(ended(arguments))
    assert (kept.argument_keys, kept.argument_bytes, kept.arguments) == (names, size, None)
    assert (kept.status, kept.content_kinds, kept.front, kept.client) == ("completed", '{"text":1}', "f", "c")


def test_no_value_of_an_argument_reaches_the_disk_unless_policy_captures(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "w", state=tmp_path / "s")
    policy = Policy().override({"telemetry.flush": 0.001, "telemetry.delay": 60.0, "telemetry.light": 0})
    home.telemetry.mkdir()  # so that the calls stay in the journal
    writer = TelemetryWriter(home, policy.telemetry, Reading(policy))
    for _ in range(300):
        writer.put(ended(b'{"word": "%b"}' % SECRET.encode()))
    assert writer.close(20.0) == 0
    written = b"".join(path.read_bytes() for path in home.root.rglob("*") if path.is_file())
    assert b"word" in written
    assert SECRET.encode() not in written
    home.telemetry.rmdir()
    assert [row["argument_keys"] for row in recent_calls(home, 1000)] == ['["word"]'] * 300


def test_captured_values_are_kept_without_secrets(tmp_path: Path) -> None:
    policy = Policy().override({"telemetry.capture": True})
    kept = event(ended(b'{"word": "plain", "api_key": "sk-%b"}' % (b"a1" * 20)), policy)
    assert kept.arguments
    assert "plain" in kept.arguments
    assert "a1a1a1" not in kept.arguments


def failing(call: Call) -> None:
    call.status, call.answer, call.error = "crashed", None, UpstreamDiedError("the server died")


def other(**changed: str) -> Attributed:
    """A call that differs in one thing."""
    call = ended()
    caller = ALIKE.caller._replace(client=changed.pop("caller", "c"))
    call.alike = ALIKE._replace(caller=caller, **changed)
    return call


@pytest.mark.parametrize(
    "what", ["tool", "origin", "caller", "thread", "artifact", "digest", "via", "failure", "failures", "captured"]
)
def test_calls_read_together_give_the_rows_that_each_gives_alone(what: str) -> None:
    """Those that have something in common with the one before, and those that have not, in any order."""
    policy = Policy().override({"telemetry.capture": what == "captured"})
    first = [ended(b'{"n": %d}' % number) for number in range(3)]
    changed = {what: "x"} if what in ALIKE._fields else {}
    name = b"n" if what.startswith("failure") else b"m"
    second = [other(**changed) if changed else ended(b'{"%b": %d}' % (name, number)) for number in range(3)]
    if what.startswith("failure"):
        for one in second:
            failing(one)
    if what == "failures":
        second[1].error = UpstreamDiedError("another end")
    items = [*first, *second, first[0], second[0], first[1]]
    assert [*Reading(policy)(items).events()] == [event(one, policy) for one in items]
    assert len({event(one, policy)._replace(at=0, duration_ms=0) for one in items}) > 1


def test_what_calls_have_in_common_is_told_once() -> None:
    calls = [ended() for _ in range(3)] + [other(tool="else")] * 2
    read = Reading(Policy())([*calls, *calls])
    assert [part.alike.tool for part in read.common] == ["look", "else"]
    assert [place for place, *_ in read.calls] == [0, 0, 0, 1, 1] * 2


def test_the_names_of_each_call_are_told_however_they_change_from_one_to_the_next() -> None:
    """More sets of names than are looked for, some of them too long for that, and again those from before."""
    written = [b'{"n%d": 1}' % number for number in range(300)]
    written += [b"{%b}" % b",".join(b'"m%d": 1' % number for number in range(50)) for _ in range(3)]
    written += [b'{"%b": 1}' % (b"k" * 2000), b'{"a\\"b": 1}', b'{"\\ud800": 1}', b"{}", b'{"n1": 1, "n2": 2}', b"null"]
    calls = [ended(arguments) for arguments in [*written, *written, *written[::-1]]]
    assert [*Reading(Policy())(calls).events()] == [event(one) for one in calls]
    assert len({event(one).argument_keys for one in calls}) == 300 + 1 + 5


def test_what_is_kept_to_find_names_again_does_not_grow_without_end() -> None:
    gc.collect()
    before = len(Struct.__subclasses__())
    reading = Reading(Policy())
    reading([ended(b'{"%b": 1}' % (b"k" * 2000))])
    assert len(Struct.__subclasses__()) == before
    reading([ended(b'{"n%d": 1}' % number) for number in range(1000)])
    assert before < len(Struct.__subclasses__()) <= before + 200
    for number in range(3000):  # each states another tool use, as Claude Code's do
        reading([other(tool_use=f"number {number}")])
    gc.collect()
    held = [one for one in gc.get_objects() if isinstance(one, Alike) and one.tool_use.startswith("number")]
    assert 0 < len(held) <= 1000


def test_names_are_told_once_for_calls_that_have_them_in_turns() -> None:
    calls = [ended(b'{"%b": %d}' % (name, number)) for number in range(3) for name in (b"a", b"b")]
    read = Reading(Policy())([*calls, other(tool="else"), *calls])
    assert [(part.alike.tool, part.names) for part in read.common] == [
        ("look", ("a",)),
        ("look", ("b",)),
        ("else", ()),
    ]
    assert [place for place, *_ in read.calls] == [*[0, 1] * 3, 2, *[0, 1] * 3]


def test_a_heavy_call_is_read_and_let_go_of_at_once(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "w", state=tmp_path / "s")
    policy = Policy().override({"telemetry.flush": DEADLINE})
    reading, read = Reading(policy), list[int]()

    def counted(calls: list[Attributed]) -> Ended:
        read.append(len(calls))
        return reading(calls)

    writer = TelemetryWriter(home, policy.telemetry, counted)
    writer.put(ended())
    assert read == []
    writer.put(ended(text="x" * HEAVY), heavy=True)
    assert read == [2]
    assert writer.close(DEADLINE) == 0


def test_one_call_that_cannot_be_read_costs_no_other(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "w", state=tmp_path / "s")
    writer = TelemetryWriter(home, Policy().telemetry, Reading(Policy()))
    broken = ended()
    broken.finished = "never"  # type: ignore[assignment]
    for one in (ended(), broken, ended()):
        writer.put(one)
    assert writer.close(20.0) == 1
    assert len(recent_calls(home, 10)) == 2
    assert "could not be recorded" in writer.notes[0]
