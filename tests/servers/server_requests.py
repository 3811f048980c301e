"""Asks its client something in the middle of a call and gives back what it was told."""

import json
import sys

from loop import Server, text, tool

PARAMS = {
    "sampling/createMessage": {"messages": [], "maxTokens": 1},
    "elicitation/create": {"message": "your name?", "requestedSchema": {"type": "object", "properties": {}}},
}


class Asks(Server):
    tools = [tool("ask", {"method": {"type": "string"}}, ["method"], "Sends a request to the client.")]

    def call(self, name, arguments, meta):
        method = arguments["method"]
        self.send({"jsonrpc": "2.0", "id": "from-server", "method": method, "params": PARAMS.get(method, {})})
        while True:
            message = json.loads(sys.stdin.buffer.readline())
            if message.get("id") == "from-server":
                return text(json.dumps(message.get("result", message.get("error"))))
            self.receive(message)


if __name__ == "__main__":
    Asks().run()
