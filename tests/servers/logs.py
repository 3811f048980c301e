"""Log messages and list_changed notifications around each answer."""

from loop import Server, text, tool


class Logs(Server):
    tools = [tool("chat", description="Answers among notifications.")]
    capabilities = {"tools": {"listChanged": True}, "logging": {}}

    def call(self, name, arguments, meta):
        for level in ("debug", "warning", "error"):
            self.notify("notifications/message", {"level": level, "logger": "logs", "data": {"text": level}})
        self.notify("notifications/tools/list_changed")
        self.notify("notifications/of-the-future", {"a": 1})
        return text("said")


if __name__ == "__main__":
    Logs().run()
