"""Broken JSON, with a readable id and without."""

import json

from loop import Server, tool


class Malformed(Server):
    tools = [*Server.tools, tool("broken"), tool("garbage")]

    def receive(self, message):
        name = (message.get("params") or {}).get("name")
        if name == "broken":
            self.write(b'{"jsonrpc":"2.0","id":%b,"result":{"content":[}' % json.dumps(message["id"]).encode())
        elif name == "garbage":
            self.write(b'{"jsonrpc": nonsense}')
        else:
            super().receive(message)


if __name__ == "__main__":
    Malformed().run()
