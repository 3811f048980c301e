import pytest

from harnessgym_mcp.core.manifest import Expect
from harnessgym_mcp.qualify.checks.expect import PathError, look_up, mismatches


def _result(text="", structured=None, error=False):
    result = {"content": [{"type": "text", "text": text}], "isError": error}
    return result if structured is None else {**result, "structuredContent": structured}


@pytest.mark.parametrize(
    ("expect", "result"),
    [
        ({}, _result("anything")),
        ({"isError": True}, _result("no", error=True)),
        ({"text": "b"}, _result("abc")),
        ({"textEquals": "abc"}, _result("abc\n")),
        ({"textMatches": "^a.c$"}, _result("abc")),
        ({"structuredContent": {"a": 1}}, _result(structured={"a": 1, "b": 2})),
        ({"structuredContent": [1, {"x": 2}]}, _result(structured=[1.0, {"x": 2, "y": 3}])),
        ({"structuredContent": 0.3}, _result(structured=0.1 + 0.2)),
        ({"json": {"$.a.b[0]": 1}}, _result('{"a": {"b": [1]}}')),
        ({"json": {"$[-1]": 3}}, _result("[1, 2, 3]")),
        ({"json": {'$["a b"]': None}}, _result('{"a b": null}')),
        ({"json": {"$.n": {"approx": 3.1, "tolerance": 0.1}}}, _result('{"n": 3.14}')),
        ({"json": {"$.n": {"min": 1, "max": 5, "type": "integer"}}}, _result('{"n": 5}')),
        ({"json": {"$.l": {"length": 2, "contains": "x"}}}, _result('{"l": ["x", "y"]}')),
        ({"json": {"$.s": {"matches": "^h"}}}, _result('{"s": "hello"}')),
        ({"json": {"$.gone": {"exists": False}}}, _result("{}")),
        ({"json": {"$.o": {"min": 1, "other": 2}}}, _result('{"o": {"min": 1, "other": 2, "more": 3}}')),
        ({"json": {"$.a": 1}}, _result("not json", structured={"a": 1})),
    ],
)
def test_what_holds_is_passed(expect, result):
    assert mismatches(Expect.model_validate(expect), result) == []


@pytest.mark.parametrize(
    ("expect", "result", "word"),
    [
        ({}, _result("broke", error=True), "expected no error"),
        ({"isError": True}, _result("fine"), "expected an error"),
        ({"text": "z"}, _result("abc"), "contains"),
        ({"textEquals": "ab"}, _result("abc"), "the text"),
        ({"textMatches": "^b"}, _result("abc"), "matches"),
        ({"textMatches": "("}, _result("abc"), "regular expression"),
        ({"textMatches": "^(a+)+$"}, _result("a" * 60 + "!"), "too long"),
        ({"structuredContent": {"a": 1}}, _result("text only"), "structuredContent"),
        ({"structuredContent": {"a": 1}}, _result(structured={"a": 2}), "structuredContent.a"),
        ({"structuredContent": {"a": True}}, _result(structured={"a": 1}), "structuredContent.a"),
        ({"structuredContent": [1]}, _result(structured=[1, 2]), "structuredContent"),
        ({"json": {"$.a": 1}}, _result("not json"), "expected JSON"),
        ({"json": {"$.a.b": 1}}, _result('{"a": {}}'), "nothing at"),
        ({"json": {"a": 1}}, _result("{}"), "begin with $"),
        ({"json": {"$.a..b": 1}}, _result('{"a": {}}'), "cannot be read"),
        ({"json": {"$.n": {"min": 3}}}, _result('{"n": 2}'), "min 3"),
        ({"json": {"$.n": {"min": 0}}}, _result('{"n": true}'), "min 0"),
        ({"json": {"$.n": {"type": "number"}}}, _result('{"n": "2"}'), "type"),
        ({"json": {"$.n": {"length": 2}}}, _result('{"n": 2}'), "length"),
        ({"json": {"$.n": {"exists": False}}}, _result('{"n": 2}'), "exists"),
    ],
)
def test_what_does_not_hold_is_told_in_words(expect, result, word):
    assert word in " ".join(mismatches(Expect.model_validate(expect), result))


def test_a_path_into_nothing_is_an_error():
    with pytest.raises(PathError):
        look_up([1], "$[1]")
