"""Stays after EOF and ignores SIGTERM."""

import signal
import threading

from loop import Server


class Stays(Server):
    def eof(self):
        threading.Event().wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Stays().run()
