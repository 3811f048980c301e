"""An MCP server that keeps what a client sends: `recording_server.py LOG [modern]`, one JSON object a line.

The first line tells of the process: {"pid", "ppid", "env", "cwd"}; each further one is a frame as it came.
`echo` answers, `fail` is an error result, `grow` adds the tool `grown.tool` and says so. With `modern` it serves the
revision 2026-07-28 alone, else the handshake alone.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "servers"))
from loop import Server, failure, text, tool
from modern_only import Modern

SAFE = {"readOnlyHint": True, "openWorldHint": False}


class Recording(Server):
    name = "recording"

    def __init__(self, log):
        self.capabilities = {"tools": {"listChanged": True}}
        self.log = log
        self.tools = [tool(name, {"value": {"type": "string"}}, annotations=SAFE) for name in ("echo", "fail", "grow")]
        self.keep({"pid": os.getpid(), "ppid": os.getppid(), "env": dict(os.environ), "cwd": os.getcwd()})

    def keep(self, value):
        with open(self.log, "a") as file:
            file.write(json.dumps(value) + "\n")

    def receive(self, message):
        self.keep(message)
        return super().receive(message)

    def initialize(self, params):
        return {**super().initialize(params), "instructions": "Tools to try."}

    def call(self, name, arguments, meta):
        if name == "fail":
            return failure("it failed as asked")
        if name == "grow":
            self.tools.append(tool("grown.tool", annotations=SAFE))
            self.notify("notifications/tools/list_changed")
        return text(json.dumps(arguments))


class ModernRecording(Recording, Modern):
    """Keeps, and answers as the later revision does."""


if __name__ == "__main__":
    (ModernRecording if "modern" in sys.argv[2:] else Recording)(sys.argv[1]).run()
