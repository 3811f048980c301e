"""Answers `late` only when another request has come, and before that one's answer."""

from loop import Server, text, tool


class Late(Server):
    tools = [*Server.tools, tool("late")]

    def __init__(self):
        self.owed = []

    def receive(self, message):
        if (message.get("params") or {}).get("name") == "late":
            self.owed.append(message["id"])
            return
        if "id" in message:
            while self.owed:
                self.reply(self.owed.pop(), text("late"))
        super().receive(message)


if __name__ == "__main__":
    Late().run()
