"""Draws random numbers from a seed."""

import json
import random
import sys

TOOLS = [
    {
        "name": "draw",
        "description": "Random numbers from a seed.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "seed": {"type": "integer"},
                "count": {"type": "integer", "minimum": 1, "maximum": 20},
            },
            "required": ["seed"],
        },
    }
]


def call(name, arguments):
    seed, count = arguments["seed"], arguments.get("count", 3)
    if not all(isinstance(v, int) and not isinstance(v, bool) for v in (seed, count)) or not 1 <= count <= 20:
        return text("seed and count (1 to 20) have to be whole numbers", True)
    source = random.Random(seed)
    return text(json.dumps([source.randint(0, 9) for _ in range(count)]))


def handle(message):
    method, params = message.get("method"), message.get("params") or {}
    if method == "initialize":
        info = {"name": "seeded", "version": "1"}
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
