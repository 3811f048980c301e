"""Gives back the whole params of a call, but for the name, as JSON text: what arrived is what was sent."""

import json

from loop import Server, text, tool


class Mirror(Server):
    tools = [tool("mirror", {"value": {}}, description="Shows what arrived.")]

    def handle(self, message):
        if message["method"] == "tools/call":
            params = {k: v for k, v in message["params"].items() if k != "name"}
            return text(json.dumps(params, sort_keys=True), echoed=params)
        return super().handle(message)


if __name__ == "__main__":
    Mirror().run()
