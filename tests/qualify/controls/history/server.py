"""Keeps a history in its data folder."""

import json
import os
import sys

HISTORY = os.path.join(os.environ["PLUGIN_DATA"], "history.jsonl")

TOOLS = [
    {
        "name": "double",
        "description": "Twice a whole number.",
        "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    },
    {
        "name": "recent",
        "description": "The latest numbers that were doubled.",
        "inputSchema": {
            "type": "object",
            "properties": {"most": {"type": "integer", "minimum": 1, "maximum": 100}},
            "required": [],
        },
    },
]


def call(name, arguments):
    if name == "recent":
        most = arguments.get("most", 10)
        if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= 100:
            return text("most has to be 1 to 100", True)
        try:
            with open(HISTORY) as file:
                return text(json.dumps([json.loads(line) for line in file][-most:]))
        except FileNotFoundError:
            return text("[]")
    number = arguments["n"]
    if not isinstance(number, int) or isinstance(number, bool):
        return text("n has to be a whole number", True)
    with open(HISTORY, "a") as file:
        file.write(json.dumps(number) + "\n")
    return text(str(2 * number))


def handle(message):
    method, params = message.get("method"), message.get("params") or {}
    if method == "initialize":
        info = {"name": "history", "version": "1"}
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
