"""Leaves a double-forked process behind, which tells its pid and sleeps."""

import os
import time

from loop import Server, text, tool


class Daemon(Server):
    tools = [*Server.tools, tool("spawn")]

    def call(self, name, arguments, meta):
        return text(spawn()) if name == "spawn" else super().call(name, arguments, meta)


def spawn():
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(write, b"%d" % os.getpid())
            for fd in (0, 1, 2, read, write):
                os.close(fd)
            time.sleep(300)
        os._exit(0)
    os.wait()
    return os.read(read, 20).decode()


if __name__ == "__main__":
    Daemon().run()
