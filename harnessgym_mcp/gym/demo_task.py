"""The demo's task and the tool that its script builds."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from harnessgym_mcp.core.manifest import MCP_SCHEMA, PLUGIN_SCHEMA

__all__ = ["COMMAND", "GRID", "GUESSES", "SELECTION", "cost", "write", "write_draft"]

GRID: dict[str, list[int]] = {
    "tile": [16, 32, 48, 64, 96, 128],
    "unroll": [1, 2, 4, 6, 8],
    "ahead": [0, 1, 2],
}
COMMAND = ["python3", "cost.py", "{tile}", "{unroll}", "{ahead}"]
GUESSES: tuple[dict[str, int], ...] = (
    {"tile": 32, "unroll": 1, "ahead": 0},
    {"tile": 64, "unroll": 4, "ahead": 1},
    {"tile": 128, "unroll": 8, "ahead": 2},
    {"tile": 16, "unroll": 2, "ahead": 1},
    {"tile": 64, "unroll": 8, "ahead": 4},
)
SELECTION = {
    "name": "plan-sweep",
    "kind": "server",
    "why": "five plans were tried by hand; a sweep over all of them, ranked, would have been one call",
    "tools": ["sweep"],
    "prediction": {"metric": "cost", "direction": "down", "effect": "at least 5%"},
}

_COST = '''"""Cost of a loop plan under a small, deterministic machine model; `cost.py TILE UNROLL AHEAD` prints it."""

import sys

tile, unroll, ahead = (int(word) for word in sys.argv[1:4])
CACHE, REGISTERS, N = 6144, 16, 960
misses = N * N / tile * (1.0 if 3 * tile * tile <= CACHE else (3 * tile * tile / CACHE) ** 0.7)
hidden = 1 - 0.55 * min(ahead, 2) / 2 + 0.18 * max(ahead - 2, 0)
spills = max(0, unroll * 4 + ahead * 2 - REGISTERS) * 210
rest = (N % tile) * 95 + (tile % unroll) * 160
print(round(misses * 0.4 * hidden + 52000 / unroll + spills + rest, 1) / 100)
'''

_SERVER = '''"""Sweeps a grid of values over a command and ranks the results: one MCP server, standard library only."""

import itertools
import json
import os
import subprocess
import sys

MOST = 2000
TOOLS = [{
    "name": "sweep",
    "description": "Run a command for every combination of values and rank by the number that it prints last. "
    "Words of the command may hold {name} for a value. Use it instead of trying settings by hand.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "command": {"type": "array", "items": {"type": "string"}, "minItems": 1,
                        "description": "The command's words; run in the workspace, without a shell."},
            "grid": {"type": "object", "description": "name -> list of values",
                     "additionalProperties": {"type": "array", "minItems": 1}},
            "top": {"type": "integer", "minimum": 1, "maximum": 50, "default": 5},
        },
        "required": ["command", "grid"],
        "additionalProperties": False,
    },
}]


class Refused(Exception):
    pass


def measure(command, values, folder):
    words = [word.format(**values) for word in command]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Refused(f"{words} exited with {done.returncode}: {done.stderr.strip()[-300:]}")
    try:
        return float(done.stdout.split()[-1])
    except (IndexError, ValueError):
        raise Refused(f"{words} printed no number: {done.stdout.strip()[-200:]!r}") from None


def sweep(arguments):
    command, grid, top = arguments.get("command"), arguments.get("grid"), arguments.get("top", 5)
    if not isinstance(command, list) or not command or not all(isinstance(w, str) for w in command):
        raise Refused("`command` is a list of words")
    if not isinstance(grid, dict) or not all(isinstance(v, list) and v for v in grid.values()):
        raise Refused("`grid` maps names to lists of values")
    if not isinstance(top, int) or isinstance(top, bool) or not 1 <= top <= 50:
        raise Refused("`top` is 1 to 50")
    combinations = [dict(zip(grid, values)) for values in itertools.islice(itertools.product(*grid.values()), MOST + 1)]
    if len(combinations) > MOST:
        raise Refused(f"more than {MOST} combinations")
    folder = os.environ.get("HARNESSGYM_WORKSPACE", ".")
    try:
        ranked = sorted(((measure(command, c, folder), n) for n, c in enumerate(combinations)))
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise Refused(f"the command does not fit the grid: {error!r}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused(str(error)) from None
    rows = [{"values": combinations[n], "result": result} for result, n in ranked]
    return {"tried": len(rows), "best": rows[0] if rows else None, "top": rows[:top], "worst": rows[-1:]}


def call(params):
    if params.get("name") != "sweep":
        return {"content": [{"type": "text", "text": "no such tool"}], "isError": True}
    arguments = params.get("arguments") or {}
    try:
        if not isinstance(arguments, dict) or set(arguments) - {"command", "grid", "top"}:
            raise Refused("it takes command, grid and top")
        text, bad = json.dumps(sweep(arguments)), False
    except Refused as error:
        text, bad = str(error), True
    return {"content": [{"type": "text", "text": text}], "isError": bad}


def answer(method, params):
    if method == "initialize":
        version = params.get("protocolVersion", "2025-06-18")
        known = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
        return {"protocolVersion": version if version in known else known[-1], "capabilities": {"tools": {}},
                "serverInfo": {"name": "plan-sweep", "version": "0.1.0"}}
    return {"tools/list": lambda: {"tools": TOOLS}, "ping": dict, "tools/call": lambda: call(params)}[method]()


def main():
    for line in sys.stdin:
        try:
            message = json.loads(line)
        except ValueError:
            error = {"code": -32700, "message": "not JSON"}
            print(json.dumps({"jsonrpc": "2.0", "id": None, "error": error}), flush=True)
            continue
        if not isinstance(message, dict) or "id" not in message or "method" not in message:
            continue
        reply = {"jsonrpc": "2.0", "id": message["id"]}
        params = message.get("params")
        try:
            reply["result"] = answer(message["method"], params if isinstance(params, dict) else {})
        except KeyError:
            reply["error"] = {"code": -32601, "message": "method not found"}
        print(json.dumps(reply), flush=True)@@MISTAKE@@


main()
'''

_MISTAKE = '\n        print("debug: answered", message["method"], flush=True)'

_PROBE = ["python3", "-c", "print(({x} - 3) ** 2 + {y})"]


def _plugin() -> dict[str, Any]:
    calls = [
        {
            "tool": "sweep",
            "arguments": {"command": _PROBE, "grid": {"x": [1, 2, 3, 4], "y": [5, 1]}},
            "expect": {"json": {"$.best.values": {"x": 3, "y": 1}, "$.best.result": 1.0, "$.tried": 8}},
        },
        {"tool": "sweep", "arguments": {"command": ["python3", "-c", "print(1 / 0)"], "grid": {"x": [1]}},
         "expect": {"isError": True, "text": "ZeroDivisionError"}},
    ]  # fmt: skip
    extension = {
        "artifact": 1,
        "why": SELECTION["why"],
        "prediction": SELECTION["prediction"],
        "permissions": {"workspace": "read", "subprocess": True},
        "determinism": "pure",
        "self_test": {"calls": calls},
    }
    about = "Sweep a grid of settings over a command and rank the results."
    return {
        "$schema": PLUGIN_SCHEMA,
        "name": "plan-sweep",
        "version": "0.1.0",
        "description": about,
        "extensions": {"io.harnessgym": extension},
    }


def write(workspace: Path) -> None:
    """The task: a cost model and what is asked."""
    workspace.mkdir(parents=True, exist_ok=True)
    (workspace / "cost.py").write_text(_COST)
    (workspace / "TASK.md").write_text("Find TILE, UNROLL and AHEAD for which `python3 cost.py` prints the least.\n")


async def cost(workspace: Path, plan: dict[str, int]) -> float:
    """The task's own measure of a plan; lower is better."""
    words = [str(plan[name]) for name in GRID]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "cost.py", *words, cwd=workspace, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return float(out)


def write_draft(draft: Path, *, mistake: bool) -> None:
    """The tool's files, over the scaffold's."""
    mcp = {
        "$schema": MCP_SCHEMA,
        "mcpServers": {"plan-sweep": {"type": "stdio", "command": "python3", "args": ["${PLUGIN_ROOT}/server.py"]}},
    }
    (draft / "server.py").write_text(_SERVER.replace("@@MISTAKE@@", _MISTAKE if mistake else ""))
    (draft / "plugin.json").write_text(json.dumps(_plugin(), indent=1))
    (draft / "mcp.json").write_text(json.dumps(mcp, indent=1))
