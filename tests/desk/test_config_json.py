"""Editing JSON by splicing: what is not meant stays byte for byte, comments and trailing commas included."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harnessgym_mcp.store.client_configs_json import JsonText, Unkeepable
from harnessgym_mcp.store.client_configs_jsonc import Broken

ENTRY = {"type": "stdio", "command": "/opt/h g/harnessgym", "args": ["serve", "--workspace", "/p"]}
PATH = ("mcpServers", "harnessgym")

KEPT = {
    "two spaces": '{\n  "a": 1,\n  "b": [1, 2.50, 1e5]\n}\n',
    "no end of line": '{\n  "a": 1\n}',
    "tabs and comments": '{\n\t// mine\n\t"mcpServers": {\n\t\t"x": {"command": "y"}, // why\n\t\t/* last */\n\t}\n}\n',
    "trailing commas": '{\n  "mcpServers": {\n    "x": {"command": "y",},\n  },\n}\n',
    "windows": '{\r\n    "mcpServers": {\r\n        "x": {"command": "y"}\r\n    }\r\n}\r\n',
    "one line": '{"a": 1, "mcpServers": {"x": {"command": "y"}}}',
    "a comment alone": "{ // c\n}",
    "byte order mark": '\ufeff{\n  "a": "\\u00e9 // no comment"\n}\n',
    "a comment after the last": '{\n  "a": 1 // one\n  /* two */\n}\n',
}


def connected(text: str) -> JsonText:
    edited = JsonText(text)
    edited.put(PATH, ENTRY)
    edited.add(("permissions", "allow"), "mcp__harnessgym")
    return edited


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_an_entry_comes_and_goes_without_a_trace(text):
    before = JsonText(text).value()
    edited = connected(text)
    value = edited.value()
    assert value["mcpServers"]["harnessgym"] == ENTRY
    assert value["permissions"]["allow"] == ["mcp__harnessgym"]
    assert {k: v for k, v in value.items() if k not in ("mcpServers", "permissions")} == {
        k: v for k, v in before.items() if k != "mcpServers"
    }
    again = connected(edited.text)
    assert again.text == edited.text
    again.drop(PATH)
    again.take(("permissions", "allow"), "mcp__harnessgym")
    assert again.text == text


def test_new_text_takes_over_the_indentation():
    assert connected('{\n\t"mcpServers": {}\n}\n').text == (
        '{\n\t"mcpServers": {\n\t\t"harnessgym": {\n\t\t\t"type": "stdio",\n\t\t\t"command": "/opt/h g/harnessgym",\n'
        '\t\t\t"args": [\n\t\t\t\t"serve",\n\t\t\t\t"--workspace",\n\t\t\t\t"/p"\n\t\t\t]\n\t\t}\n\t},\n'
        '\t"permissions": {\n\t\t"allow": [\n\t\t\t"mcp__harnessgym"\n\t\t]\n\t}\n}\n'
    )


def test_line_ends_stay_what_they_were():
    text = connected(KEPT["windows"]).text
    assert text.count("\n") == text.count("\r\n")


@pytest.mark.parametrize("text", ["", " \n", "{}", "{}\n", "\ufeff"])
def test_an_empty_file_becomes_the_entry_alone(text):
    assert json.loads(connected(text).text.removeprefix("\ufeff"))["mcpServers"] == {"harnessgym": ENTRY}


def test_an_existing_entry_keeps_what_the_user_added():
    edited = JsonText('{"mcpServers": {"harnessgym": {"command": "old", "env": {"A": "1"}, /* mine */ "timeout": 5}}}')
    edited.put(PATH, ENTRY)
    entry = edited.value()["mcpServers"]["harnessgym"]
    assert entry == {**ENTRY, "env": {"A": "1"}, "timeout": 5}
    assert "/* mine */" in edited.text


def test_a_value_with_a_comment_inside_is_not_replaced():
    edited = JsonText('{"mcpServers": {"harnessgym": {"args": ["a", /* b */ "c"]}}}')
    with pytest.raises(Unkeepable):
        edited.put((*PATH, "args"), ["serve"])


def test_slashes_in_strings_are_no_comments():
    edited = JsonText('{"mcpServers": {"harnessgym": {"args": ["http://x", "/* y */"]}}}')
    edited.put((*PATH, "args"), ["serve"])
    assert edited.value()["mcpServers"]["harnessgym"]["args"] == ["serve"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{\n"a": }', 2),
        ('{"a": 1}\nx', 2),
        ('{"a" 1}', 1),
        ('{\n\n"a": 1\n"b": 2}', 4),
        ('{"a": tru}', 1),
        ('{"a": 01}', 1),
        ("{a: 1}", 1),
        ('{"a": "', 1),
        ('{"a": 1', 1),
        ("{ /* ", 1),
        ('{"a": NaN}', 1),
        ("{" + '"a":{' * 500, 1),
    ],
)
def test_what_is_broken_is_told_with_its_line(text, line):
    with pytest.raises(Broken, match=f"line {line} "):
        JsonText(text)


@pytest.mark.parametrize("text", ["[]", "1", '"x"'])
def test_what_is_no_object_is_refused(text):
    with pytest.raises(Broken, match="not a JSON object"):
        JsonText(text)


def test_a_parent_that_is_no_object_is_told():
    with pytest.raises(Broken, match="mcpServers is not an object"):
        JsonText('{"mcpServers": []}').put(PATH, ENTRY)
    with pytest.raises(Broken, match=r"permissions\.allow is not an array"):
        JsonText('{"permissions": {"allow": {}}}').add(("permissions", "allow"), "x")


def test_of_two_members_with_one_key_the_last_counts_and_both_go():
    edited = JsonText('{"h": {"a": 1}, "h": {"a": 2}, "z": 3}')
    edited.put(("h", "a"), 9)
    assert edited.text == '{"h": {"a": 1}, "h": {"a": 9}, "z": 3}'
    edited.drop(("h",))
    assert edited.text == '{"z": 3}'


# ---- any document

KEYS = st.text(st.characters(codec="utf-8"), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    """A JSON object with blanks, comments and trailing commas wherever they may stand; and its value."""
    value = draw(st.dictionaries(KEYS, VALUES, max_size=4))
    gaps = st.sampled_from(["", " ", "\n", "\t", "\n  ", "// c\n", "/* d */", " // e\n  ", "\n\n"])

    def write(node: object) -> str:
        def gap() -> str:
            return draw(gaps)

        if isinstance(node, dict):
            parts = [f"{gap()}{json.dumps(k)}{gap()}:{gap()}{write(v)}{gap()}" for k, v in node.items()]
        elif isinstance(node, list):
            parts = [f"{gap()}{write(v)}{gap()}" for v in node]
        else:
            return json.dumps(node)
        comma = "," if parts and draw(st.booleans()) else ""
        inside = ",".join(parts) + comma + gap()
        return f"{{{inside}}}" if isinstance(node, dict) else f"[{inside}]"

    return f"{draw(gaps)}{write(value)}{draw(gaps)}", value


def comments(text: str) -> int:
    return sum(text.count(mark) for mark in ("// c", "/* d */", "// e"))


@given(documents())
def test_any_document_keeps_its_values_and_comments(document):
    text, value = document
    edited = JsonText(text)
    assert edited.value() == value
    if not isinstance(value.get("mcpServers", {}), dict) or "harnessgym" in value.get("mcpServers", {}):
        return
    edited.put(PATH, ENTRY)
    assert edited.value() == value | {"mcpServers": {**value.get("mcpServers", {}), "harnessgym": ENTRY}}
    assert comments(edited.text) == comments(text)
    edited.drop(PATH)
    assert edited.value() == {k: v for k, v in value.items() if k != "mcpServers" or v}
    assert comments(edited.text) == comments(text)


@given(documents(), st.data())
def test_any_member_of_any_document_can_go(document, data):
    text, value = document
    if not value:
        return
    key = data.draw(st.sampled_from(sorted(value)))
    edited = JsonText(text)
    edited.drop((key,))
    assert edited.value() == {k: v for k, v in value.items() if k != key}
