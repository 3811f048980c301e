"""A thread for each call: answers come out of order."""

import threading
import time

from loop import Server, text, tool


class Threaded(Server):
    tools = [tool("wait", {"ms": {"type": "integer"}, "value": {}}, description="Gives `value` after `ms`.")]
    lock = threading.Lock()

    def receive(self, message):
        if message.get("method") == "tools/call":
            threading.Thread(target=super().receive, args=(message,), daemon=True).start()
        else:
            super().receive(message)

    def call(self, name, arguments, meta):
        time.sleep(arguments.get("ms", 0) / 1000)
        return text(arguments.get("value"))

    def write(self, frame):
        with self.lock:
            super().write(frame)


if __name__ == "__main__":
    Threaded().run()
