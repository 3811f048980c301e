"""Tells its environment, arguments and folder."""

import json
import os
import sys

from loop import Server, text, tool


class Environment(Server):
    tools = [tool("environment", description="What this process sees of its surroundings.")]

    def call(self, name, arguments, meta):
        return text(json.dumps({"env": dict(os.environ), "argv": sys.argv[1:], "cwd": os.getcwd()}))


if __name__ == "__main__":
    Environment().run()
