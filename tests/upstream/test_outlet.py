"""Outlets: a single frame leaves at once, what one read has caused leaves in one write for each pipe."""

import asyncio
import os
import socket

import pytest

from harnessgym_mcp.core.framing import Splitter, with_newline
from harnessgym_mcp.upstream.outlet import Outlet, take


class Way:
    """An outlet whose writes can be told apart: its pipe keeps each of them as a packet."""

    def __init__(self) -> None:
        self.reader, writer = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.reader.setblocking(False)
        self._file = os.fdopen(writer.detach(), "wb", 0)

    async def open(self) -> "Way":
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_write_pipe(asyncio.Protocol, self._file)
        self.outlet = Outlet(transport)
        return self

    def packets(self) -> list[bytes]:
        found = []
        while True:
            try:
                data = self.reader.recv(1 << 20)
            except BlockingIOError:
                return found
            if not data:
                return found
            found.append(data)


@pytest.fixture
async def ways():
    made = [await Way().open(), await Way().open()]
    yield made
    for way in made:
        way.outlet.transport.close()
        way.reader.close()
    await asyncio.sleep(0)


def echoing(*outlets: Outlet) -> Splitter:
    """Frames go to the outlets in turn."""
    count = iter(range(1_000_000))
    return Splitter(1 << 20, lambda frame: outlets[next(count) % len(outlets)].send(with_newline(frame)), print, print)


async def test_a_burst_is_one_write_for_each_pipe_and_keeps_its_order(ways):
    splitter = echoing(*(way.outlet for way in ways))
    take(splitter.feed, b"".join(b'{"n":%d}\n' % n for n in range(6)))
    assert ways[0].packets() == [b'{"n":0}\n{"n":2}\n{"n":4}\n']
    assert ways[1].packets() == [b'{"n":1}\n{"n":3}\n{"n":5}\n']


async def test_a_single_frame_leaves_before_anything_else_is_done(ways):
    seen = []
    outlet, packets = ways[0].outlet, ways[0].packets

    def feed(data: bytes) -> None:
        outlet.send((data,))
        seen.extend(packets())

    take(feed, b'{"n":1}\n')
    assert seen == [b'{"n":1}\n']


async def test_a_burst_that_fails_half_way_loses_nothing_that_was_sent(ways):
    def feed(data: bytes) -> None:
        ways[0].outlet.send((data,))
        raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        take(feed, b"{}\n{}\n")
    assert ways[0].packets() == [b"{}\n{}\n"]
    ways[0].outlet.send((b"later\n",))
    assert ways[0].packets() == [b"later\n"]


async def test_what_is_sent_after_the_end_is_dropped(ways):
    ways[0].outlet.transport.close()
    ways[0].outlet.send((b"lost\n",))
    take(lambda data: ways[0].outlet.send((data,)), b"lost\nlost\n")
    assert ways[0].packets() == []
