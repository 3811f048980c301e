import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.verdict import StageResult, Verdict
from harnessgym_mcp.qualify.request import Judgement, Known, Previous, Request
from harnessgym_mcp.qualify.run import qualify
from harnessgym_mcp.qualify.scaffold import scaffold

collect_ignore = ["controls"]  # artifacts, not tests

SERVERS = Path(__file__).parent.parent / "servers"
PLUGIN = "https://agent-plugins.org/schemas/1.0.0/plugin.schema.json"
MCP = "https://agent-plugins.org/schemas/1.0.0/mcp.schema.json"

Judge = Callable[..., Awaitable[Judgement]]
Build = Callable[..., Path]


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests, so that the sandbox is probed once."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def judge(tmp_path: Path, state: Path) -> Judge:
    """Judge a folder in a child process; keywords `settings`, `name`, `known`, `previous`, `workspace`, `timeout`."""
    home = tmp_path / "home"
    home.mkdir()

    async def run(
        source: Path,
        *,
        settings: dict[str, object] | None = None,
        name: str = "",
        known: list[Known] | None = None,
        previous: Previous | None = None,
        workspace: str = "",
        timeout: float | None = None,
        on_stage: Callable[[StageResult], None] = lambda stage: None,
    ) -> Judgement:
        request = Request(
            source=str(source),
            home=str(home),
            state=str(state),
            settings=Policy().override(settings or {}).as_dict(),
            name=name,
            known=known or [],
            previous=previous,
            workspace=workspace,
        )
        return await qualify(request, on_stage, timeout)

    return run


def write(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A draft folder from the scaffold, with files replaced and parts of the extension overridden."""

    def make(name: str = "adder", files: dict[str, str] | None = None, **extension: Any) -> Path:
        draft = scaffold(name, tools=["add-up"], why="sums were wrong")
        plugin = json.loads(draft["plugin.json"])
        plugin["extensions"]["io.harnessgym"].update(extension)
        return write(tmp_path / f"{name}-draft", {**draft, "plugin.json": json.dumps(plugin), **(files or {})})

    return make


@pytest.fixture
def wrap(tmp_path: Path) -> Build:
    """An artifact around one of the test servers, with self-test calls; keyword `args` for its arguments."""

    def make(
        script: str,
        calls: list[dict[str, Any]],
        *,
        args: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
        **extension: Any,
    ) -> Path:
        name = script.replace("_", "-")
        block = {"artifact": 1, "self_test": {"calls": calls}, **extension}
        server: dict[str, Any] = {
            "type": "stdio",
            "command": "python3",
            "args": [f"${{PLUGIN_ROOT}}/{script}.py", *args],
        }
        server["env"] = env or {}
        plugin = {"name": name, "description": "a test server", "extensions": {"io.harnessgym": block}}
        return write(
            tmp_path / f"{name}-artifact",
            {
                "plugin.json": json.dumps({"$schema": PLUGIN, **plugin}),
                "mcp.json": json.dumps({"$schema": MCP, "mcpServers": {name: server}}),
                **{f"{n}.py": (SERVERS / f"{n}.py").read_text() for n in (script, "loop")},
            },
        )

    return make


@pytest.fixture
def ids() -> Callable[[Verdict], list[str]]:
    """The ids of a verdict's errors."""
    return lambda verdict: [f.id for f in verdict.errors]
