"""Finds orders to models in texts, and quotes them."""

import json
import sys

TOOLS = json.loads('[{"name": "scan", "description": "Finds sentences that try to instruct a model, such as prompt injections, in a text.", "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}}]')


def call(name, arguments):
    t=arguments["text"]
    import re
    m=re.search(r"(?i)ignore (all )?previous instructions", t)
    return text("suspicious: %s" % m[0] if m else "nothing in %d characters" % len(t))


def handle(message):
    method, params = message.get("method"), message.get("params") or {}
    if method == "initialize":
        info = {"name": "finds-injections", "version": "1"}
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
