"""The limit of what a relay in Python can do: it rewrites ids over pipes of 1 MiB, and nothing else.

    bare_relay.py COMMAND ...

No routing, no record, no deadlines, no second client.
"""

import fcntl
import os
import re
import select
import subprocess
import sys

ID = re.compile(rb'"id": ?(\d+)')
PIPE = 1 << 20


def write(to, data):
    view = memoryview(data)
    while view:
        view = view[os.write(to, view) :]


class Ids:
    """Which number stands for which of the client's."""

    def __init__(self):
        self.asked = {}
        self.count = 0

    def rewritten(self, line, from_client):
        found = ID.search(line, 0, 200)
        if not found:
            return line
        if from_client:
            self.count += 1
            new = b"%d" % self.count
            self.asked[new] = found[1]
        else:
            new = self.asked.pop(found[1])
        return line[: found.start(1)] + new + line[found.end(1) :]


def relay(command):
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    to = {0: child.stdin.fileno(), child.stdout.fileno(): 1}
    for pipe in (*to, *to.values()):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)
    ids, poll, rest = Ids(), select.epoll(), {source: [] for source in to}
    for source in to:
        poll.register(source, select.EPOLLIN)
    while True:
        for source, _ in poll.poll():
            data = os.read(source, PIPE)
            if not data:
                child.stdin.close()
                return child.wait()
            rest[source].append(data)
            if b"\n" not in data:
                continue
            *lines, last = b"".join(rest[source]).split(b"\n")
            rest[source] = [last]
            for line in lines:
                write(to[source], ids.rewritten(line, source == 0) + b"\n")


sys.exit(relay(sys.argv[1:]))
