"""Says `list_changed` with each listing, and a hundred times in `flood`; nothing ever changes."""

from loop import Server, text, tool


class Announcing(Server):
    capabilities = {"tools": {"listChanged": True}}
    tools = [tool("flood"), tool("lists", description="How often the tools were listed.")]
    lists = 0

    def list_tools(self, params):
        self.lists += 1
        self.notify("notifications/tools/list_changed")
        return {"tools": self.tools}

    def call(self, name, arguments, meta):
        for _ in range(100 if name == "flood" else 0):
            self.notify("notifications/tools/list_changed")
        return text(self.lists)


if __name__ == "__main__":
    Announcing().run()
