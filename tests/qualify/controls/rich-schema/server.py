"""Uses references, choices, patterns and an output schema."""

import json
import sys

TOOLS = [
    {
        "name": "centre",
        "description": "The centre of some points.",
        "inputSchema": {
            "type": "object",
            "$defs": {
                "point": {
                    "type": "object",
                    "properties": {"x": {"type": "number"}, "y": {"type": "number"}},
                    "required": ["x", "y"],
                    "additionalProperties": False,
                }
            },
            "properties": {
                "points": {
                    "type": "array",
                    "items": {"$ref": "#/$defs/point"},
                    "minItems": 1,
                    "maxItems": 20,
                },
                "unit": {"enum": ["mm", "cm"]},
                "mode": {"oneOf": [{"const": "sum"}, {"const": "mean"}]},
                "label": {"anyOf": [{"type": "string", "pattern": "^[a-z]{1,8}$"}, {"type": "null"}]},
            },
            "required": ["points"],
        },
        "outputSchema": {
            "type": "object",
            "properties": {"x": {"type": "number"}, "y": {"type": "number"}},
            "required": ["x", "y"],
        },
    }
]


def call(name, arguments):
    try:
        points = [(float(p["x"]), float(p["y"])) for p in arguments["points"]]
        centre = {"x": sum(x for x, _ in points) / len(points), "y": sum(y for _, y in points) / len(points)}
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        return text(f"points have to be a list of x and y: {error!r}", True)
    return {**text(json.dumps(centre)), "structuredContent": centre}


def handle(message):
    method, params = message.get("method"), message.get("params") or {}
    if method == "initialize":
        info = {"name": "rich-schema", "version": "1"}
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
