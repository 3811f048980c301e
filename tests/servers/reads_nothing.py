"""Reads no more once `deaf` was called: its client's pipe fills."""

import threading

from loop import Server, text, tool


class Deaf(Server):
    tools = [*Server.tools, tool("deaf")]
    deaf = False

    def reply(self, id, result):
        super().reply(id, result)
        if self.deaf:
            threading.Event().wait()

    def call(self, name, arguments, meta):
        self.deaf = name == "deaf"
        return text("what?") if self.deaf else super().call(name, arguments, meta)


if __name__ == "__main__":
    Deaf().run()
