"""Keeps a count in memory and tells its pid: a restart shows."""

import json
import os

from loop import Server, text, tool


class Counter(Server):
    tools = [tool("count", description="Counts its calls.")]
    calls = 0

    def call(self, name, arguments, meta):
        self.calls += 1
        return text(json.dumps({"calls": self.calls, "pid": os.getpid()}))


if __name__ == "__main__":
    Counter().run()
