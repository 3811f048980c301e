"""Dies in the middle of a call."""

import os
import signal
import sys

from loop import Server, tool


class Crash(Server):
    tools = [*Server.tools, tool("crash"), tool("abort")]

    def call(self, name, arguments, meta):
        if name == "crash":
            sys.exit("the tool crashed on purpose") if arguments.get("quietly") else os._exit(3)
        if name == "abort":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().call(name, arguments, meta)


if __name__ == "__main__":
    Crash().run()
