"""Writes to stdout without end."""

import sys

from loop import Server, tool


class Flood(Server):
    tools = [*Server.tools, tool("flood"), tool("lines")]

    def call(self, name, arguments, meta):
        while name == "flood":
            sys.stdout.buffer.write(b"x" * 65536)
        while name == "lines":
            sys.stdout.buffer.write(b"a line that is no frame\n" * 2048)
        return super().call(name, arguments, meta)


if __name__ == "__main__":
    Flood().run()
