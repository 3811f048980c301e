"""Answers to an id that nobody used."""

from loop import Server, tool


class Wrong(Server):
    tools = [*Server.tools, tool("wrong")]

    def receive(self, message):
        if (message.get("params") or {}).get("name") == "wrong":
            message = message | {"id": 987654321}
        super().receive(message)


if __name__ == "__main__":
    Wrong().run()
