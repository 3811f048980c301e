"""Tells the number that was noted last."""

import json
import sys
import time

NUMBER = {"type": "object", "properties": {"n": {"enum": [1, 2, 3, 4, 5, 6, 7]}}, "required": ["n"]}
TOOLS = [
    {"name": "note", "description": "Notes a number from 1 to 7.", "inputSchema": NUMBER},
    {
        "name": "last",
        "description": "The number that was noted last.",
        "inputSchema": {"type": "object", "properties": {}, "additionalProperties": False},
    },
]

noted = None


def call(name, arguments):
    global noted
    if name == "last":
        return text("none yet" if noted is None else f"{noted} it was", bool(arguments))
    number = arguments["n"]
    if number not in range(1, 8) or isinstance(number, bool):
        return text("n has to be 1 to 7", True)
    time.sleep(0.005)
    noted = number
    return text(f"{number} is noted")


def handle(message):
    method, params = message.get("method"), message.get("params") or {}
    if method == "initialize":
        info = {"name": "remembers", "version": "1"}
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
