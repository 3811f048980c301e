"""Its description mixes alphabets within words: Δx, µm, Ωmega, ЭВМ-style."""

import json
import sys

TOOLS = json.loads('[{"name": "double", "description": "Twice a whole number (\\u0394x, \\u00b5m, 10 \\u043a\\u0433, \\u03c0\\u00b7r\\u00b2, na\\u00efve, \\u03a9mega-3, \\u042d\\u0412\\u041c-style, C++ \\u0438 Python, x\\u2081\\u2099, \\ufb01ne, \\uff11\\uff12). \\u00dcbergr\\u00f6\\u00dfe \\u2192 gr\\u00f6\\u00dfer; \\uff46\\uff55\\uff4c\\uff4c width.", "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}]')


def call(name, arguments):
    number = arguments["n"]
    if name != "double" or not isinstance(number, int) or isinstance(number, bool):
        return text("n has to be a whole number", True)
    return text(str(2 * number))


def handle(message):
    method, params = message.get("method"), message.get("params") or {}
    if method == "initialize":
        info = {"name": "mixed-letters", "version": "1"}
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
