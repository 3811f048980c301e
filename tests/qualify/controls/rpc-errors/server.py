"""Refuses wrong arguments with JSON-RPC errors, as some do."""

import json
import sys

TOOLS = [
    {
        "name": "double",
        "description": "Twice a whole number.",
        "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    }
]


def call(name, arguments):
    if name != "double" or not isinstance(arguments["n"], int):
        raise ValueError("n has to be a whole number")
    return text(str(2 * arguments["n"]))


def handle(message):
    method, params = message.get("method"), message.get("params") or {}
    if method == "initialize":
        info = {"name": "rpc-errors", "version": "1"}
        return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call":
        return call(params.get("name"), params.get("arguments") or {})
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
        try:
            result = handle(request)
        except (KeyError, TypeError, ValueError) as error:
            problem = {"code": -32602, "message": f"invalid arguments: {error}"}
            send({"jsonrpc": "2.0", "id": request["id"], "error": problem})
            continue
        missing = {"error": {"code": -32601, "message": "no such method"}}
        send({"jsonrpc": "2.0", "id": request["id"], **(missing if result is None else {"result": result})})
