"""Speaks `Content-Length` framing only; a bare line of JSON is passed over, or with `exit` the end."""

import json
import sys

from loop import Server

MODE = sys.argv[1] if len(sys.argv) > 1 else "silent"


class Headers(Server):
    def run(self):
        length = None
        while line := sys.stdin.buffer.readline():
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                length = int(value)
            elif not line.strip() and length is not None:
                self.receive(json.loads(sys.stdin.buffer.read(length)))
                length = None
            elif line.startswith(b"{") and MODE == "exit":
                sys.exit("this is not a header")

    def write(self, frame):
        sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%b" % (len(frame), frame))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    Headers().run()
