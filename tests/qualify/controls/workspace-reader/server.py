"""Counts the lines of the workspace's files."""

import json
import os
import pathlib
import sys

TOOLS = [
    {
        "name": "lines",
        "description": "How many lines a file of the workspace has.",
        "inputSchema": {
            "type": "object",
            "properties": {"path": {"type": "string", "description": "Below the workspace."}},
            "required": ["path"],
        },
    }
]


def call(name, arguments):
    root = pathlib.Path(os.environ["HARNESSGYM_WORKSPACE"]).resolve()
    path = (root / arguments["path"]).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        return text(f"there is no file {arguments['path']!r}", True)
    return text(str(len(path.read_text().splitlines())))


def handle(message):
    method, params = message.get("method"), message.get("params") or {}
    if method == "initialize":
        info = {"name": "workspace-reader", "version": "1"}
        return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call":
        try:
            return call(params.get("name"), params.get("arguments") or {})
        except Exception as error:
            return text(repr(error), True)
    return {} if method == "ping" else None


def text(value, error=False):
    return {"content": [{"type": "text", "text": value}], "isError": error}


def send(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


for line in sys.stdin:
    try:
        request = json.loads(line)
    except ValueError:
        continue
    if "id" in request:
        result = handle(request)
        missing = {"error": {"code": -32601, "message": "no such method"}}
        send({"jsonrpc": "2.0", "id": request["id"], **(missing if result is None else {"result": result})})
