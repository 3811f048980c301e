"""A megabyte of stderr at start and at each call: an undrained pipe would stop it."""

import sys

from loop import Server


class Chatty(Server):
    def call(self, name, arguments, meta):
        chatter()
        return super().call(name, arguments, meta)


def chatter():
    for n in range(10_000):
        print(f"{n:08} " + "." * 90, file=sys.stderr)
    print("end of chatter", file=sys.stderr, flush=True)


if __name__ == "__main__":
    chatter()
    Chatty().run()
