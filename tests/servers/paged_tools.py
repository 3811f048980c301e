"""Lists many tools, ten a page."""

import sys

from loop import Server, tool

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 25


class Paged(Server):
    tools = [tool(f"tool-{n}") for n in range(COUNT)]

    def list_tools(self, params):
        start = int(params.get("cursor") or 0)
        page = {"tools": self.tools[start : start + 10]}
        return page if start + 10 >= COUNT else page | {"nextCursor": str(start + 10)}


if __name__ == "__main__":
    Paged().run()
