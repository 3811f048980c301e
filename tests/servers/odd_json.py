"""Legal by the grammar of JSON, and still trouble."""

import json

from loop import Server, tool

RESULTS = {
    "surrogate": b'{"content":[{"type":"text","text":"caf\\udce9"}]}',
    "deep": b'{"content":[],"structuredContent":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "integers": b'{"content":[],"structuredContent":{"n":123456789012345678901234567890,"x":1.10,"e":1E5}}',
    "twice": b'{"content":[{"type":"text","text":"a"}],"content":[{"type":"text","text":"b"}]}',
}


class Odd(Server):
    tools = [tool(name) for name in RESULTS]

    def receive(self, message):
        if message.get("method") == "tools/call":
            id = json.dumps(message["id"]).encode()
            self.write(b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (id, RESULTS[message["params"]["name"]]))
        else:
            super().receive(message)


if __name__ == "__main__":
    Odd().run()
