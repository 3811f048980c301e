"""Results of any size."""

from loop import Server, text, tool


class Big(Server):
    tools = [tool("big", {"bytes": {"type": "integer", "minimum": 0}}, ["bytes"], "Text of so many bytes.")]

    def call(self, name, arguments, meta):
        return text("x" * arguments["bytes"])


if __name__ == "__main__":
    Big().run()
