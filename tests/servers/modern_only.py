"""Serves 2026-07-28 alone: `server/discover`, no handshake, `_meta` on each request."""

from loop import RpcError, Server, tool

MODERN = "2026-07-28"
PREFIX = "io.modelcontextprotocol/"


class Modern(Server):
    tools = [tool("echo", {"value": {}}, description="Gives back its arguments as JSON text.")]

    def handle(self, message):
        params = message.get("params") or {}
        meta = params.get("_meta") or {}
        if message["method"] == "initialize":
            raise RpcError(-32601, "there is no handshake in this revision")
        if meta.get(PREFIX + "protocolVersion") != MODERN or PREFIX + "clientCapabilities" not in meta:
            raise RpcError(-32602, f"{PREFIX}protocolVersion and {PREFIX}clientCapabilities are required")
        if message["method"] == "server/discover":
            return self.complete({"supportedVersions": [MODERN], "capabilities": {"tools": {}}}, cached=True)
        return self.complete(super().handle(message), cached=message["method"] == "tools/list")

    def complete(self, result, cached):
        cache = {"ttlMs": 60000, "cacheScope": "private"} if cached else {}
        info = {PREFIX + "serverInfo": {"name": "modern-only", "version": "1"}}
        return result | {"resultType": "complete", "_meta": info} | cache


if __name__ == "__main__":
    Modern().run()
