"""The server that every arm calls: a plain stdlib loop. With `--at-once` calls run in threads.

`structured` and `ms` (wait that long) are for the benchmark alone: not told in the schema, so that the clean room does
not try them.
"""

import functools
import json
import sys
import threading
import time

TOOLS = [
    {
        "name": "echo",
        "description": "Gives a text of a size.",
        "inputSchema": {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]},
    }
]
MOST = 40_000_000
KEPT_READY = 1_000_000  # above it the passing of an answer is measured, not its making
writing = threading.Lock()


def row(number):
    measured = [number + n / 8 for n in range(6)]
    return {"name": f"kernel {number}", "number": number, "times": measured, "of": {"unit": "ms", "steady": True}}


def content(size, structured):
    if not structured:
        return {"content": [{"type": "text", "text": "x" * size}]}
    found = rows(size)
    return {"content": [{"type": "text", "text": f"{len(found)} rows"}], "structuredContent": {"rows": found}}


@functools.lru_cache(4)
def rows(size):
    return [row(number) for number in range(size // len(json.dumps(row(100))) + 1)]


@functools.lru_cache(4)
def large(size):
    return json.dumps(content(size, False)).encode()


def call(params):
    arguments = params.get("arguments") or {}
    size = arguments.get("size")
    if params.get("name") != "echo" or type(size) is not int or not 0 <= size <= MOST:
        return {"content": [{"type": "text", "text": f"size is an integer up to {MOST}"}], "isError": True}
    if "ms" in arguments:
        time.sleep(arguments["ms"] / 1000)
    return content(size, arguments.get("structured", False))


def answer(message):
    method, params = message["method"], message.get("params") or {}
    if method == "initialize":
        version = params.get("protocolVersion", "2025-06-18")
        server = {"name": "echo", "version": "1"}
        return {"result": {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}}
    if method == "tools/list":
        return {"result": {"tools": TOOLS}}
    if method == "tools/call":
        return {"result": call(params)}
    if method == "ping":
        return {"result": {}}
    return {"error": {"code": -32601, "message": "method not found"}}


def frame(message):
    size = ((message.get("params") or {}).get("arguments") or {}).get("size")
    if type(size) is int and KEPT_READY < size <= MOST:
        return b'{"jsonrpc": "2.0", "id": %b, "result": %b}\n' % (json.dumps(message["id"]).encode(), large(size))
    return json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer(message)}).encode() + b"\n"


def serve(message):
    data = frame(message)
    with writing:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


for line in sys.stdin.buffer:
    try:
        message = json.loads(line)
        message["method"].encode()
    except (ValueError, KeyError, TypeError, AttributeError):
        print('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"not a request"}}', flush=True)
        continue
    if "id" not in message:
        continue
    if sys.argv[1:] == ["--at-once"] and message["method"] == "tools/call":
        threading.Thread(target=serve, args=(message,)).start()
    else:
        serve(message)
