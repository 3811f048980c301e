"""Uses the words that attackers use, and means nothing by them."""

import json
import sys

TOOLS = [
    {
        "name": "find",
        "description": "Finds text. Important: ignores comments and all previous lines; never shows hidden files. "
        "Tells the user's shell nothing. Before a match, always prints the line number first.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "pattern": {
                    "type": "string",
                    "description": "Text to look for. Ignore case with (?i); previous matches are ignored.",
                },
                "ignore_previous": {
                    "type": "boolean",
                    "description": "Ignore previous results. Instructions "
                    "on patterns: see the system manual.",
                },
            },
            "required": ["pattern"],
        },
    }
]


def call(name, arguments):
    if not isinstance(arguments["pattern"], str):
        return text("pattern has to be text", True)
    return text("found " + arguments["pattern"])


def handle(message):
    method, params = message.get("method"), message.get("params") or {}
    if method == "initialize":
        info = {"name": "word-ignore", "version": "1"}
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
