"""The same acts as a script for the scripted agent."""

import json
import os
import sys

BINS = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, BINS)


class Script:
    def __init__(self, session):
        self.session = session

    def start(self):
        pass

    def call(self, server, tool, failed):
        self.session.emit({"type": "harnessgym.call", "server": server, "tool": tool, "error": bool(failed)})

    def message(self, text):
        self.session.say(text)

    def end(self):
        self.session.emit({"type": "harnessgym.usage", "input": 155, "cached": 40, "output": 8, "cost_usd": 0.25})

    def fail(self, text):
        raise RuntimeError(text)


async def play(session):
    import acts

    acts.emit = lambda event: print(json.dumps(event))  # what a script prints is no event
    acts.perform(Script(session), session.prompt)
