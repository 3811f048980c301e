import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harnessgym_mcp.core.front_matter import FrontMatterError, front_matter
from harnessgym_mcp.core.skills import entry, flaws


def read(body: str) -> object:
    return front_matter(f"---\n{body}\n---\n# The rest\n")


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("name: a\ndescription: b c", {"name": "a", "description": "b c"}),
        ("a: 1\nb: 1.5\nc: true\nd: ~\ne:", {"a": 1, "b": 1.5, "c": True, "d": None, "e": None}),
        ("a: 'it''s: so'", {"a": "it's: so"}),
        (r'a: "tab\t \u00e9 \"q\""', {"a": 'tab\t é "q"'}),
        ("a: one\n  two\n\n  three", {"a": "one two\nthree"}),
        ("a: |\n  one\n   two\n\nb: x", {"a": "one\n two\n", "b": "x"}),
        ("a: >-\n  one\n  two\n\n  three\n", {"a": "one two\nthree"}),
        ("a: >\n  one\n    code\n  two\n", {"a": "one\n  code\ntwo\n"}),
        ("a: [1, 'b', {c: d}]", {"a": [1, "b", {"c": "d"}]}),
        ("a:\n- b\n- c: 1\n  d: 2", {"a": ["b", {"c": 1, "d": 2}]}),
        ("metadata:\n  author: me\n  version: '1.0'", {"metadata": {"author": "me", "version": "1.0"}}),
        ("a: b # comment\n# more\nc: d#e", {"a": "b", "c": "d#e"}),
        ("url: http://x.y/z", {"url": "http://x.y/z"}),
        ("a: yes\nb: 2026-01-02", {"a": "yes", "b": "2026-01-02"}),
        ("a: 名前 🙂", {"a": "名前 🙂"}),
    ],
)
def test_front_matter_means_what_yaml_says(body, value):
    assert read(body) == value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("description: Use when: always", "quote the value"),
        ("a: 1\na: 2", "there twice"),
        ("a: {b: 1, b: 2}", "there once"),
        ("a: &x 1", "quote it"),
        ("a: *x", "quote it"),
        ("a: !tag 1", "quote it"),
        ("a: .inf", "no form in JSON"),
        ("a: 1e999", "beyond"),
        (r'a: "\ud800"', "no character"),
        ("a: [1, 2", "not closed"),
        ("a: 'x", "not closed"),
        ("a: b\n   c: d", "quote the value"),
        ("a:\n\tb: c", "tab"),
        ("- a\n- b", "not a mapping"),
        ("just text", "not a mapping"),
        ("a: " + "[" * 30, "deep"),
        ("a: " + "x" * 70_000, "characters"),
    ],
)
def test_what_cannot_be_read_for_certain_is_refused(body, reason):
    with pytest.raises(FrontMatterError, match=reason):
        read(body)


def test_an_error_tells_its_line():
    with pytest.raises(FrontMatterError) as caught:
        read("name: a\ndescription: x: y")
    assert caught.value.line == 3


@pytest.mark.parametrize("text", ["", "# No front matter", "---\nname: a\n"])
def test_a_file_without_front_matter_is_refused(text):
    with pytest.raises(FrontMatterError):
        front_matter(text)


@given(st.text(max_size=200))
def test_any_text_gives_a_json_value_or_a_refusal(text):
    try:
        value = read(text)
    except FrontMatterError:
        return
    json.dumps(value, allow_nan=False).encode()


_PLAIN = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=40)


@given(
    st.dictionaries(_PLAIN, st.recursive(_PLAIN | st.integers() | st.booleans(), st.lists, max_leaves=5), min_size=1)
)
def test_what_is_written_as_json_is_read_back(value):
    lines = [f"{json.dumps(key)}: {json.dumps(item)}" for key, item in value.items()]
    assert read("\n".join(lines)) == value


def flawed(text: str, folder: str = "good") -> list[tuple[str, str]]:
    return [(severity, field) for severity, field, _, _ in flaws(folder, text)]


def skill(**fields: object) -> str:
    whole = {"name": "good", "description": "What it does, and when."} | fields
    return "---\n" + "\n".join(f"{k}: {json.dumps(v)}" for k, v in whole.items() if v is not None) + "\n---\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (skill(), []),
        (skill(license="MIT", compatibility="git", metadata={"a": "b"}, **{"allowed-tools": "Bash Read"}), []),
        (skill(name="Good"), [("error", "name")]),
        (skill(name="go--od"), [("error", "name")]),
        (skill(name="other"), [("error", "name")]),
        (skill(name="x" * 65), [("error", "name")]),
        (skill(description=None), [("error", "description")]),
        (skill(description="  "), [("error", "description")]),
        (skill(description="x" * 1025), [("error", "description")]),
        (skill(description=7), [("error", "description")]),
        (skill(compatibility="x" * 501), [("error", "compatibility")]),
        (skill(metadata={"a": 1}), [("warning", "metadata")]),
        (skill(**{"allowed-tools": ["Bash"]}), [("warning", "allowed-tools")]),
        (skill(model="big"), [("info", "model")]),
        ("nothing", [("error", "SKILL.md:1")]),
    ],
)
def test_the_rules_for_a_skill_hold(text, found):
    assert flawed(text) == found


def test_a_skill_of_too_many_files_is_refused():
    assert [f[0] for f in flaws("good", skill(), [1] * 513)] == ["error"]


def test_an_entry_lists_every_file_of_its_skill_and_no_other():
    files = {
        "skills/good/SKILL.md": ("sha256:a", 1),
        "skills/good/references/a b.md": ("sha256:b", 2),
        "server.py": ("sha256:c", 3),
    }
    found = entry("art", "skills/good/SKILL.md", skill(license="MIT"), files)
    assert found["uri"] == "skill://art/skills/good/SKILL.md"
    assert found["frontmatter"] == {"name": "good", "description": "What it does, and when.", "license": "MIT"}
    assert found["resources"] == [
        {"uri": "skill://art/skills/good/SKILL.md", "digest": "sha256:a", "size": 1},
        {"uri": "skill://art/skills/good/references/a%20b.md", "digest": "sha256:b", "size": 2},
    ]
