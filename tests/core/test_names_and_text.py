"""Names that every client can spell, and hostile text made harmless."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harnessgym_mcp.core import names
from harnessgym_mcp.core.fit import fit
from harnessgym_mcp.core.namespace import map_uris, outer_uri, split_uri
from harnessgym_mcp.core.text import clean, cut, one_line, redact, visible
from harnessgym_mcp.errors import NameRefused

artifacts = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True).filter(lambda n: "--" not in n)


@pytest.mark.parametrize("name", ["a", "asm-lens", "v1.2", "0x"])
def test_legal_names(name):
    assert names.check_artifact_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "A",
        "a_b",
        "-a",
        "a-",
        "a--b",
        "a..b",
        "..",
        "a/b",
        "../x",
        "harnessgym",
        "harnessgym-x",
        "con",
        "x" * 65,
        "é",
        "a\u200b",
    ],
)
def test_refused_names(name):
    with pytest.raises(NameRefused):
        names.check_artifact_name(name)


def test_a_tools_whole_name_is_bounded():
    assert names.check_tool_name("lens", "x", 64) == "x"
    with pytest.raises(NameRefused):
        names.check_tool_name("lens", "x" * 60, 64)


@given(artifacts, st.from_regex(r"[A-Za-z0-9_.-]{1,20}", fullmatch=True))
def test_joined_names_come_apart_again(artifact, tool):
    assert names.split(names.join(artifact, tool)) == (artifact, tool)


def test_names_that_some_client_spells_alike_collide():
    assert names.collisions(["a-b", "a.b"]) == [("a-b", "a.b")]
    assert names.collisions(["a-b", "a-c"]) == []


@pytest.mark.parametrize(
    ("client", "shown"),
    [
        ("claude-code", "mcp__harnessgym__a-b__c_d"),
        ("codex-mcp-client", "mcp__harnessgym__a_b__c_d"),
        ("other", "a-b__c.d"),
    ],
)
def test_each_client_is_told_its_own_spelling(client, shown):
    assert names.callable_name(client, "a-b__c.d") == shown


def test_the_spelling_begins_with_what_the_clients_config_calls_us():
    assert names.callable_name("claude-code", "a-b__c.d", "my-gym") == "mcp__my-gym__a-b__c_d"
    assert names.callable_name("codex-mcp-client", "a-b__c.d", "my-gym") == "mcp__my_gym__a_b__c_d"
    assert names.callable_name("other", "a-b__c.d", "my-gym") == "a-b__c.d"


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,9}", fullmatch=True), artifacts)
@example(entry="0--0", artifact="0")
@example(entry="a-_b", artifact="0")
def test_whatever_the_entry_is_called_its_spelling_leads_back(entry, artifact):
    try:
        names.check_entry_name(entry)
    except NameRefused:
        return
    for client in ("claude-code", "codex-mcp-client"):
        spelt = names.callable_name(client, f"{artifact}__t", entry)
        assert names.sanitised(names.unprefixed(spelt)) == names.sanitised(f"{artifact}__t")


@pytest.mark.parametrize(
    "name", ["", "a b", "-a", "a-", "_a", "a__b", "a--b", "a-_b", "a_-b", "elevenchars", "a.b", "é"]
)
def test_an_entry_is_not_called_what_a_client_would_respell_or_what_is_long(name):
    with pytest.raises(NameRefused):
        names.check_entry_name(name)


@given(artifacts, st.text(max_size=30))
def test_uris_are_namespaced_reversibly(artifact, rest):
    for uri in (f"ui://{rest}", f"memo:{rest}", rest):
        listed = outer_uri(artifact, uri)
        assert split_uri(listed) == (artifact, uri) or ":" in uri.split("/")[0]
        assert outer_uri(artifact, split_uri(listed)[1]) == listed


def test_every_uri_in_a_value_is_mapped():
    value = {"contents": [{"uri": "ui://a", "text": "uri"}], "_meta": {"ui": {"resourceUri": "ui://b"}}}
    mapped = map_uris("lab", value)
    assert mapped == {
        "contents": [{"uri": "ui://lab__a", "text": "uri"}],
        "_meta": {"ui": {"resourceUri": "ui://lab__b"}},
    }
    assert map_uris("", value) == value


@given(st.text())
def test_clean_text_has_no_controls_and_can_be_encoded(text):
    shown = clean(text)
    shown.encode()
    assert not any(ord(c) < 32 and c not in "\n\t" for c in shown)
    assert "\x1b" not in shown


def test_hidden_characters_go_and_honest_ones_stay():
    assert clean("a\u200bb\u202ec\U000e0041d") == "abcd"
    assert clean("👩\u200d💻 naïve 漢字") == "👩\u200d💻 naïve 漢字"
    assert visible("a\u200b") == "a<U+200B>"


@pytest.mark.parametrize("secret", ["sk-abcdefgh12345678", "ghp_" + "a" * 24, "AKIAABCDEFGHIJKLMNOP"])
def test_credentials_are_not_kept(secret):
    assert secret not in redact(f"x {secret} y")
    assert "hunter2" not in redact('{"password": "hunter2", "token":"hunter2"}')


@given(st.text(max_size=300), st.integers(40, 120))
def test_cut_text_is_short_and_tells_what_is_missing(text, most):
    shown = cut(text, most)
    assert len(shown) <= most + 40
    assert shown == text or "cut" in shown
    assert "\n" not in one_line(text)


@given(
    st.recursive(
        st.text(max_size=200) | st.integers(),
        lambda v: st.lists(v, max_size=30) | st.dictionaries(st.text(max_size=9), v),
    )
)
def test_an_answer_that_is_made_to_fit_stays_json(value):
    import json

    text = fit(value, 500)
    assert len(text) <= 500
    json.loads(text)
