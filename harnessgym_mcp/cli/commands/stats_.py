"""What is mounted, what was really called, what was never used, what is hidden and why."""

import argparse
from typing import Any

from harnessgym_mcp.cli.output import Output, Prose
from harnessgym_mcp.cli.parser import options_of

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "use of the harness, tool by tool"

EXAMPLES = """
  harnessgym stats
  harnessgym stats --since 2h --artifact asm-lens
  harnessgym stats --json | jq .never_used
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scope", choices=["session", "run", "all"], default="all")
    parser.add_argument("--session", metavar="ID", help="with --scope session: whose")
    parser.add_argument("--labels", metavar="run=ID", help="with --scope run: which run")
    parser.add_argument("--artifact", metavar="NAME", default="")
    parser.add_argument("--since", metavar="TIME", default="", help="2h, 3d, an ISO time")


def run(arguments: argparse.Namespace, output: Output) -> int:
    import asyncio

    from harnessgym_mcp.server.offline import offline_stats

    wanted = {"scope": arguments.scope, "artifact": arguments.artifact, "since": arguments.since}
    body = asyncio.run(offline_stats(options_of(arguments), wanted))
    output.result("stats", body, *_parts(body, output))
    return 0


def _parts(body: dict[str, Any], output: Output) -> list[str]:
    artifacts = [
        (a["name"], a["status"], a["version"], a["digest"][7:19], ", ".join(a["tools"])) for a in body["artifacts"]
    ]
    parts: list[str] = [
        output.table(("artifact", "status", "version", "digest", "tools"), artifacts) or "no artifact yet"
    ]
    if body["calls"]:
        header = ("tool", "calls", "ok", "tool errors", "other", "p50 ms", "p95 ms", "max ms")
        parts.append(output.table(header, [_row(c) for c in body["calls"]]))
    else:
        parts.append(Prose("no call by an agent on record (`harnessgym calls` lists those of a person as well)"))
    if body["never_used"]:
        parts.append(Prose("never used: " + ", ".join(body["never_used"])))
    if stale := [f"{a['name']} ({a['idle_sessions']} sessions)" for a in body["artifacts"] if a["stale"]]:
        parts.append("stale, not called by the sessions since: " + ", ".join(stale))
    parts += [f"quarantined: {q['name']} {q['digest'][7:19]}: {q['reason']}" for q in body["quarantined"]]
    parts += [f"problem: {name}: {what}" for name, what in body["problems"].items()]
    parts += [f"note: {note}" for note in body["notes"]]
    tier = body["isolation"]["tier"]
    missing = ", ".join(body["isolation"].get("missing", []))
    parts.append(f"isolation: tier {tier}" + (f" (not in force: {missing})" if missing else ""))
    if body["dropped_events"]:
        parts.append(f"calls that could not be recorded: {body['dropped_events']}")
    return parts


def _row(call: dict[str, Any]) -> tuple[object, ...]:
    other = call["calls"] - call["successes"] - call["tool_errors"]
    times = [f"{call[k]:.1f}" if call[k] is not None else "" for k in ("p50_ms", "p95_ms", "max_ms")]
    return (f"{call['artifact']}__{call['tool']}", call["calls"], call["successes"], call["tool_errors"], other, *times)
