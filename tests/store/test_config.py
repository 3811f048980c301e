"""Policy from flags, environment and file, and what is said about wrong settings."""

import pytest

from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.errors import PolicyError
from harnessgym_mcp.store.config import load_policy, variable
from harnessgym_mcp.store.home import Home


def test_without_sources_everything_is_default(home: Home) -> None:
    policy, origins = load_policy(home, {}, {"HARNESSGYM_WORKSPACE": "/x"})
    assert policy == Policy()
    assert set(origins.values()) == {"default"}
    assert "limits.frame_bytes" in origins


def test_flag_beats_environment_beats_file_beats_default(home: Home) -> None:
    home.config.write_text("[timeouts]\ncall = 10\nidle = 20\nstart = 30\n")
    env = {"HARNESSGYM_TIMEOUTS_CALL": "11", "HARNESSGYM_TIMEOUTS_IDLE": "21"}
    policy, origins = load_policy(home, {"timeouts.call": "12"}, env)
    assert (policy.timeouts.call, policy.timeouts.idle, policy.timeouts.start) == (12.0, 21.0, 30.0)
    assert origins["timeouts.call"] == "flag"
    assert origins["timeouts.idle"] == "env HARNESSGYM_TIMEOUTS_IDLE"
    assert origins["timeouts.start"] == "config.toml"
    assert origins["timeouts.relist"] == "default"


def test_sections_and_keys_with_underscores_have_a_variable(home: Home) -> None:
    assert variable("isolation.allow_unconfined") == "HARNESSGYM_ISOLATION_ALLOW_UNCONFINED"
    policy, _ = load_policy(home, {}, {"HARNESSGYM_ISOLATION_ALLOW_UNCONFINED": "yes"})
    assert policy.isolation.allow_unconfined


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[timeouts]\ncall = 1\n\n[limits]\nnonsense = 1\n", 5),
        ("[timeouts]\n# call\ncall = true\n", 3),
        ("timeouts.call = 'x'\n", 1),
        ("\n[timeout]\ncall = 1\n", 3),
        ("call = 3\n", 1),
        ("[timeouts]\ncall = \n", 2),
        ("[timeouts\n", 1),
        ("[timeouts]\ncall = nan\n", 2),
    ],
)
def test_a_wrong_file_is_named_with_its_line(home: Home, text: str, line: int) -> None:
    home.config.write_text(text)
    with pytest.raises(PolicyError) as caught:
        load_policy(home, {}, {})
    assert caught.value.message.startswith(f"{home.config}:{line}: ")


def test_a_file_that_is_not_text_is_named_with_its_line(home: Home) -> None:
    home.config.write_bytes(b"[timeouts]\ncall = 1 # \xff\n")
    with pytest.raises(PolicyError, match=r"config.toml:2: not UTF-8"):
        load_policy(home, {}, {})


def test_a_misspelt_variable_is_refused_by_name(home: Home) -> None:
    with pytest.raises(PolicyError, match="HARNESSGYM_TIMEOUTS_CAL "):
        load_policy(home, {}, {"HARNESSGYM_TIMEOUTS_CAL": "1"})


def test_a_wrong_variable_and_a_wrong_flag_say_so(home: Home) -> None:
    with pytest.raises(PolicyError, match="HARNESSGYM_TIMEOUTS_CALL"):
        load_policy(home, {}, {"HARNESSGYM_TIMEOUTS_CALL": "soon"})
    with pytest.raises(PolicyError, match=r"timeouts\.cal"):
        load_policy(home, {"timeouts.cal": "1"}, {})
