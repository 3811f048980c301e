"""Our ends of pipes: closed once, by whoever comes first, and never somebody else's file."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop

from harnessgym_mcp.proc.pipes import End


def reopened(descriptor: int, path: Path) -> int:
    """Another file under the same number."""
    other = os.open(path, os.O_RDWR | os.O_CREAT)
    if other != descriptor:
        os.dup2(other, descriptor)
        os.close(other)
    return descriptor


def test_a_number_that_means_another_file_by_now_is_left_open(tmp_path: Path) -> None:
    source, sink = os.pipe()
    end = End(source)
    os.close(source)  # as the C library does for uvloop's transports
    other = reopened(source, tmp_path / "database")
    end.close()
    assert os.write(other, b"still open") == 10
    os.close(other)
    os.close(sink)


def test_it_is_closed_once() -> None:
    source, sink = os.pipe()
    end = End(source)
    end.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(source)
    end.close()
    os.close(sink)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_transport_of_either_event_loop_closes_it(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def connect_and_close() -> None:
        loop = asyncio.get_running_loop()
        source, sink = os.pipe()
        reading, _ = await loop.connect_read_pipe(asyncio.Protocol, End(source))
        writing, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, End(sink))
        reading.close()
        writing.close()
        turned = loop.create_future()
        loop.call_soon(lambda: loop.call_soon(turned.set_result, None))
        await turned
        assert not any(os.path.exists(f"/proc/self/fd/{number}") for number in (source, sink))

    loop = new_loop()
    try:
        loop.run_until_complete(connect_and_close())
    finally:
        loop.close()
