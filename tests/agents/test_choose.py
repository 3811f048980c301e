"""A description in a record becomes the agent it means."""

import subprocess
import sys

import msgspec
import pytest

from harnessgym_mcp.agents.choose import KINDS, AgentSpec, choose_agent
from harnessgym_mcp.errors import UsageError

WHOLE = {"script": "s.json", "command": ["run"]}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_an_agent_of_its_name_also_after_a_record(kind):
    spec = AgentSpec(kind=kind, **WHOLE)
    again = msgspec.json.decode(msgspec.json.encode(spec), type=AgentSpec)
    assert choose_agent(again) == choose_agent(spec)
    assert choose_agent(spec).name == kind


@pytest.mark.parametrize(
    "spec",
    [
        AgentSpec(kind="gemini"),
        AgentSpec(kind="scripted"),
        AgentSpec(kind="scripted", script="s", mode="ancient"),
        AgentSpec(kind="command"),
    ],
)
def test_what_lacks_something_is_wrong_use_with_a_hint(spec):
    with pytest.raises(UsageError) as raised:
        choose_agent(spec)
    assert raised.value.hint


def test_what_is_set_is_passed_on():
    claude = choose_agent(
        AgentSpec(kind="claude", program="c", permission_mode="plan", allowed_tools=[], extra_args=["-x"])
    )
    assert (claude.program, claude.permission_mode, claude.allowed_tools, claude.extra_args) == (
        "c",
        "plan",
        (),
        ("-x",),
    )
    codex = choose_agent(AgentSpec(kind="codex", sandbox="read-only", list_changed=False))
    assert (codex.program, codex.sandbox, codex.list_changed) == ("codex", "read-only", False)


@pytest.mark.parametrize("kind", KINDS)
def test_choosing_an_agent_imports_neither_the_sdk_nor_pydantic(kind):
    code = (
        "import sys; from harnessgym_mcp.agents.choose import *;"
        f"choose_agent(AgentSpec(kind={kind!r}, script='s', command=['x']));"
        "print([m for m in ('mcp', 'mcp_types', 'pydantic', 'tomllib') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
