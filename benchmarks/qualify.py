"""How long does a qualification take, stage by stage?

Run with `python -m benchmarks.qualify [rounds]`; prints medians in milliseconds for a small stdlib server, a Node one
and one on the official SDK (its packages come from the index at first). The whole is what a caller waits,
the child's start included.
"""

import asyncio
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.verdict import Verdict
from harnessgym_mcp.qualify.request import Request
from harnessgym_mcp.qualify.run import qualify
from harnessgym_mcp.qualify.scaffold import scaffold

NODE = Path(__file__).parents[1] / "tests/qualify/controls/node-server"
SDK_SERVER = '''"""A server on the official SDK."""

from mcp.server import MCPServer

app = MCPServer("sdk")


@app.tool()
def add(a: int, b: int) -> int:
    """The sum of two whole numbers."""
    return a + b


app.run("stdio")
'''
SDK_CALLS = [
    {"tool": "add", "arguments": {"a": 1, "b": 2}, "expect": {"structuredContent": {"result": 3}}},
    {"tool": "add", "arguments": {"a": 5, "b": 5}, "expect": {"structuredContent": {"result": 10}}},
    {"tool": "add", "arguments": {}, "expect": {"isError": True}},
]


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def sdk_files() -> dict[str, str]:
    """The scaffold with another server in it."""
    files = scaffold("sdk-server", tools=["add"], description="A server on the official SDK.")
    plugin = json.loads(files["plugin.json"])
    block = plugin["extensions"]["io.harnessgym"]
    block |= {"dependencies": {"packages": ["mcp"]}, "self_test": {"calls": SDK_CALLS}}
    return {**files, "plugin.json": json.dumps(plugin), "server.py": SDK_SERVER}


async def timed(source: Path, base: Path) -> tuple[float, Verdict]:
    """Milliseconds that the caller waits, and the verdict."""
    request = Request(source=str(source), home=str(base), state=str(base), settings=Policy().as_dict())
    start = time.perf_counter()
    judgement = await qualify(request, lambda stage: None)
    return (time.perf_counter() - start) * 1000, judgement.verdict


def report(name: str, runs: list[tuple[float, Verdict]]) -> None:
    verdict = runs[-1][1]
    tier = verdict.isolation.tier if verdict.isolation else "?"
    print(f"\n{name}: {verdict.status} in tier {tier}, {statistics.median(ms for ms, _ in runs):.0f} ms as a whole")
    for at, stage in enumerate(verdict.stages):
        print(f"  {stage.id:<12} {statistics.median(v.stages[at].ms for _, v in runs):8.1f}")
    for finding in verdict.errors:
        print(f"  {finding.id}: {finding.what}")


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        sources = {
            "stdlib": write(base / "stdlib", scaffold("stdlib-server", tools=["add-up"])),
            "node": shutil.copytree(NODE, base / "node") if shutil.which("node") else None,
            "sdk": write(base / "sdk", sdk_files()),
        }
        for name, source in sources.items():
            if source is not None:
                asyncio.run(timed(source, base))  # probes the sandbox and builds the environment
                report(name, [asyncio.run(timed(source, base)) for _ in range(rounds)])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
