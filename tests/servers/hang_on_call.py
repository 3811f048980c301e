"""One call is never answered, all others are."""

from loop import Server, tool


class Hang(Server):
    tools = [*Server.tools, tool("hang")]

    def receive(self, message):
        if (message.get("params") or {}).get("name") != "hang":
            super().receive(message)


if __name__ == "__main__":
    Hang().run()
