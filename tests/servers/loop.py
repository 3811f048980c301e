"""The well-behaved part that these servers share: MCP over stdio with the standard library alone."""

import json
import sys

VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")


def tool(name, properties=None, required=(), description="", **more):
    schema = {"type": "object", "properties": properties or {}, "required": list(required)}
    return {"name": name, "description": description or f"Does {name}.", "inputSchema": schema, **more}


def text(value, **more):
    return {"content": [{"type": "text", "text": str(value)}], **more}


def failure(value):
    return text(value, isError=True)


class RpcError(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Server:
    """Override `call`, and whatever else has to go wrong."""

    name = "test-server"
    tools = [tool("echo", {"value": {}}, description="Gives back its arguments as JSON text.")]
    capabilities = {"tools": {}}

    def run(self):
        while True:
            line = sys.stdin.buffer.readline()
            if not line:
                return self.eof()
            if line.strip():
                self.receive(json.loads(line))

    def eof(self):
        return None

    def receive(self, message):
        if "method" not in message:
            return self.replied(message)
        if "id" not in message:
            return self.notified(message)
        try:
            self.reply(message["id"], self.handle(message))
        except RpcError as error:
            self.send({"jsonrpc": "2.0", "id": message["id"], "error": {"code": error.code, "message": str(error)}})

    def handle(self, message):
        method, params = message["method"], message.get("params") or {}
        if method == "initialize":
            return self.initialize(params)
        if method == "tools/list":
            return self.list_tools(params)
        if method == "tools/call":
            if params.get("name") not in {t["name"] for t in self.tools}:
                raise RpcError(-32602, f"unknown tool {params.get('name')!r}")
            return self.call(params["name"], params.get("arguments") or {}, params.get("_meta") or {})
        if method == "ping":
            return {}
        raise RpcError(-32601, f"unknown method {method!r}")

    def initialize(self, params):
        wanted = params.get("protocolVersion")
        version = wanted if wanted in VERSIONS else VERSIONS[-1]
        info = {"name": self.name, "version": "1"}
        return {"protocolVersion": version, "capabilities": self.capabilities, "serverInfo": info}

    def list_tools(self, params):
        return {"tools": self.tools}

    def call(self, name, arguments, meta):
        return text(json.dumps(arguments))

    def notified(self, message):
        return None

    def replied(self, message):
        return None

    def reply(self, id, result):
        self.send({"jsonrpc": "2.0", "id": id, "result": result})

    def notify(self, method, params=None):
        self.send({"jsonrpc": "2.0", "method": method, "params": params or {}})

    def send(self, message):
        self.write(json.dumps(message).encode())

    def write(self, frame):
        sys.stdout.buffer.write(frame + b"\n")
        sys.stdout.buffer.flush()
