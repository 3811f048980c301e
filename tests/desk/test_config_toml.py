"""Editing TOML: comments, order and spelling stay; what cannot be kept is refused, never lost."""

import tomllib

import pytest

from harnessgym_mcp.store.client_configs_jsonc import Broken
from harnessgym_mcp.store.client_configs_toml import MARK, TomlText

ENTRY = {
    "command": 'C:\\h "g"/harnessgym',
    "args": ["serve", "--workspace", "/p"],
    "required": True,
    "startup_timeout_sec": 30,
    "default_tools_approval_mode": "approve",
}
PATH = ("mcp_servers", "harnessgym")
FEATURE = ("features", "mcp_tool_list_changed")

KEPT = {
    "empty": "",
    "plain": '# c\nmodel = "x" # y\n',
    "tables": '[features]\nplugins = false # n\n\n[mcp_servers.o]\ncommand = "c"\n',
    "odd spelling": "\"model\"='x'\n[ mcp_servers . \"o\" ]\ncommand='c'\n  [mcp_servers.o.env]\nA='1'\n[z]\na=0x1F\n",
    "dotted keys": 'mcp_servers.o.command = "c"\nfeatures.x = true\n',
    "a header of its own": '[mcp_servers]\n[mcp_servers.a]\ncommand="x"\n\n[z]\na=1\n\n[mcp_servers.b]\ncommand="y"\n',
    "arrays of tables": "[[x]]\na=1\n[[x]]\na=2\n",
    "windows": "a = 1\r\n\r\n[features]\r\nq = true\r\n",
    "a comment in an empty table": "[features]\n# none\n",
}


def connected(text: str) -> TomlText:
    edited = TomlText(text)
    edited.put(PATH, ENTRY)
    edited.put(FEATURE, True)
    return edited


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_an_entry_comes_and_goes_without_a_trace(text):
    edited = connected(text)
    said = tomllib.loads(edited.text)
    assert said["mcp_servers"]["harnessgym"] == ENTRY
    assert said["features"]["mcp_tool_list_changed"] is True
    again = connected(edited.text)
    assert again.text == edited.text
    again.drop(PATH)
    again.drop(FEATURE)
    assert again.text == text


def test_line_ends_stay_what_they_were():
    text = connected(KEPT["windows"]).text
    assert text.count("\n") == text.count("\r\n")


def test_inline_tables_are_extended_in_place():
    edited = connected('mcp_servers = {o = {command = "c"}}\n')
    assert tomllib.loads(edited.text)["mcp_servers"] == {"o": {"command": "c"}, "harnessgym": ENTRY}


def test_an_existing_entry_keeps_its_comments_and_what_the_user_added():
    edited = connected('[mcp_servers.harnessgym]\ncommand = "old" # mine\nenv = {A = "1"}\n# end\n\n[q]\na = 1')
    said = tomllib.loads(edited.text)
    assert said["mcp_servers"]["harnessgym"] == {**ENTRY, "env": {"A": "1"}}
    assert said["q"] == {"a": 1}
    assert "# mine" in edited.text
    assert "# end" in edited.text


def test_a_feature_that_the_user_set_stays_when_ours_goes():
    edited = connected("[features]\nmcp_tool_list_changed = true # I want it\n")
    edited.drop(FEATURE)
    assert tomllib.loads(edited.text)["features"] == {"mcp_tool_list_changed": True}
    assert MARK not in edited.text


@pytest.mark.parametrize("text", ["[a\n", "a = \n", "a = 1\na = 2\n", "[x]\n[x]\n", "\x00"])
def test_what_is_broken_is_told(text):
    with pytest.raises(Broken, match="not TOML"):
        TomlText(text)


def test_a_parent_that_is_no_table_is_told():
    with pytest.raises(Broken, match="mcp_servers is not a table"):
        TomlText("mcp_servers = 1\n").put(PATH, ENTRY)
