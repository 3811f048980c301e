"""Reports progress and honours cancellation; `cancelled` tells which reasons it was given."""

import json
import threading

from loop import Server, text, tool


class Progress(Server):
    tools = [
        tool("work", {"steps": {"type": "integer"}, "ms": {"type": "integer"}}, description="Works in steps."),
        tool("cancelled", description="The reasons of all cancellations so far."),
    ]

    def __init__(self):
        self.lock = threading.Lock()
        self.running = {}
        self.reasons = []

    def receive(self, message):
        if message.get("method") == "tools/call" and message["params"]["name"] == "work":
            stop = self.running[message["id"]] = threading.Event()
            threading.Thread(target=self.work, args=(message, stop), daemon=True).start()
        else:
            super().receive(message)

    def work(self, message, stop):
        arguments = message["params"].get("arguments") or {}
        token = (message["params"].get("_meta") or {}).get("progressToken")
        steps = arguments.get("steps", 3)
        for step in range(1, steps + 1):
            if stop.wait(arguments.get("ms", 10) / 1000):
                return  # a cancelled request is not answered
            if token is not None:
                self.notify("notifications/progress", {"progressToken": token, "progress": step, "total": steps})
        self.reply(message["id"], text(f"{steps} steps"))

    def notified(self, message):
        if message["method"] == "notifications/cancelled":
            params = message["params"]
            self.reasons.append(params.get("reason"))
            if stop := self.running.get(params["requestId"]):
                stop.set()

    def call(self, name, arguments, meta):
        return text(json.dumps(self.reasons))

    def write(self, frame):
        with self.lock:
            super().write(frame)


if __name__ == "__main__":
    Progress().run()
