"""What of our environment goes where."""

from harnessgym_mcp.agents.agent import Entry
from harnessgym_mcp.agents.environment import bare_entry, scrub


def test_an_allow_list_and_what_is_named_beside_it():
    source = {"PATH": "/bin", "LC_ALL": "C", "SECRET": "s", "OPENAI_API_KEY": "k", "XDG_DATA_HOME": "/x"}
    assert scrub(source) == {"PATH": "/bin", "LC_ALL": "C", "XDG_DATA_HOME": "/x"}
    assert scrub(source, ["OPENAI_*", "SECRET"], {"PUT": "1"}) == {**source, "PUT": "1"}


def test_the_identity_of_an_outer_session_is_left_out_even_where_its_prefix_is_kept():
    source = {"CLAUDE_CODE_SESSION_ID": "outer", "CLAUDE_CONFIG_DIR": "/c", "CLAUDECODE": "1"}
    assert scrub(source, ["CLAUDE*"]) == {"CLAUDE_CONFIG_DIR": "/c"}


def test_an_entry_keeps_what_it_sets_itself_and_loses_other_credentials():
    entry = Entry(("/bin/server", "arg"), {"OWN_TOKEN": "x"})
    env = {"OWN_TOKEN": "y", "ANTHROPIC_BASE_URL": "u", "HTTPS_PROXY": "http://u:p@h", "NO_PROXY": "h", "PATH": "/bin"}
    words = bare_entry(entry, env)
    unset = {words[at + 1] for at, word in enumerate(words) if word == "-u"}
    assert unset >= {"ANTHROPIC_BASE_URL", "HTTPS_PROXY"}
    assert not unset & {"OWN_TOKEN", "NO_PROXY", "PATH"}
    assert words[-2:] == ("/bin/server", "arg")
