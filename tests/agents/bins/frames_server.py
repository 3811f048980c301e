"""An MCP server that writes every frame it gets to the file named by its argument, one JSON line each."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "servers"))
from loop import Server


class Frames(Server):
    def receive(self, message):
        with open(sys.argv[1], "a") as log:
            log.write(json.dumps(message) + "\n")
        return super().receive(message)


if __name__ == "__main__":
    Frames().run()
