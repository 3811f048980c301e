"""Runs a program of the system for each call."""

import json
import subprocess
import sys

TOOLS = [
    {
        "name": "sort",
        "description": "Sorts words as `sort` does.",
        "inputSchema": {
            "type": "object",
            "properties": {"words": {"type": "array", "items": {"type": "string"}, "maxItems": 50}},
            "required": ["words"],
        },
    }
]


def call(name, arguments):
    words = arguments["words"]
    if not isinstance(words, list) or len(words) > 50 or not all(isinstance(word, str) for word in words):
        return text("words has to be a list of up to 50 texts", True)
    done = subprocess.run(
        ["sort"],
        input="\n".join(words),
        capture_output=True,
        text=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )
    return text(done.stdout)


def handle(message):
    method, params = message.get("method"), message.get("params") or {}
    if method == "initialize":
        info = {"name": "runs-programs", "version": "1"}
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
