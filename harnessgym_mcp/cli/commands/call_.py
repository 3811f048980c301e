"""Call one tool of the harness from the shell; the call is recorded with origin `cli`."""

import argparse
import json
from typing import Any

from harnessgym_mcp.cli.output import Output
from harnessgym_mcp.cli.parser import options_of

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "call a tool: NAME__TOOL"

EXAMPLES = """
  harnessgym call asm-lens__explain --arguments '{"path": "a.c", "function": "f"}'
  harnessgym call asm-lens__explain --arguments @arguments.json --json
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tool", metavar="NAME__TOOL")
    parser.add_argument(
        "--arguments", default="{}", metavar="JSON", help="the tool's arguments; @FILE reads them from a file"
    )
    parser.add_argument(
        "--timeout", metavar="TIME", help="for the answer (30s; else what the tool's manifest or policy says)"
    )


def run(arguments: argparse.Namespace, output: Output) -> int:
    import asyncio

    from harnessgym_mcp.core.durations import parse_duration
    from harnessgym_mcp.server.offline import call_tool

    values = _arguments(arguments.arguments)
    timeout = parse_duration(arguments.timeout) if arguments.timeout else None
    status, answer = asyncio.run(call_tool(options_of(arguments), arguments.tool, values, timeout))
    output.result("call", {"tool": arguments.tool, "status": status, "result": answer}, _text(answer))
    return 0 if status == "completed" else 1


def _arguments(text: str) -> dict[str, Any]:
    from pathlib import Path

    from harnessgym_mcp.errors import UsageError

    try:
        value = json.loads(Path(text[1:]).read_text("utf-8") if text.startswith("@") else text)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"--arguments is not JSON: {error}", hint="""for example --arguments '{"path": "a.c"}'"""
        ) from None
    if not isinstance(value, dict):
        raise UsageError("--arguments is a JSON object", hint="""for example --arguments '{"path": "a.c"}'""")
    return value


def _text(answer: dict[str, Any]) -> str:
    blocks = answer.get("content", [])
    texts = [str(b["text"]) for b in blocks if isinstance(b, dict) and b.get("type") == "text" and "text" in b]
    return "\n".join(texts) or json.dumps(answer, ensure_ascii=False, indent=1)
