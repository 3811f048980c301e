"""`grow` adds a tool and says so."""

from loop import Server, text, tool


class Growing(Server):
    capabilities = {"tools": {"listChanged": True}}

    def __init__(self):
        self.tools = [tool("grow")]

    def call(self, name, arguments, meta):
        if name == "grow":
            self.tools.append(tool(f"grown-{len(self.tools)}"))
            self.notify("notifications/tools/list_changed")
        return text(len(self.tools))


if __name__ == "__main__":
    Growing().run()
