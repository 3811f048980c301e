"""One call stops the whole server for ever."""

import threading

from loop import Server, tool


class Freeze(Server):
    tools = [*Server.tools, tool("freeze")]

    def call(self, name, arguments, meta):
        if name == "freeze":
            threading.Event().wait()
        return super().call(name, arguments, meta)


if __name__ == "__main__":
    Freeze().run()
