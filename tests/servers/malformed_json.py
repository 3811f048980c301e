"""Broken JSON, with a readable id and without."""

import json

from loop import Server, tool


class Malformed(Server):
    tools = [*Server.tools, tool("broken"), tool("garbage"), tool("stray-byte", {"place": {}})]

    def receive(self, message):
        name = (message.get("params") or {}).get("name")
        if name == "broken":
            self.write(b'{"jsonrpc":"2.0","id":%b,"result":{"content":[}' % json.dumps(message["id"]).encode())
        elif name == "garbage":
            self.write(b'{"jsonrpc": nonsense}')
        elif name == "stray-byte":
            answer = {"content": [{"type": "text", "text": "plain"}], "resultType": "complete", "key": 1}
            line = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": answer}).encode()
            self.write(line.replace(message["params"]["arguments"]["place"].encode(), b"\xff"))
        else:
            super().receive(message)


if __name__ == "__main__":
    Malformed().run()
