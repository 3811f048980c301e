"""Splitting a stream gives the same frames however it was cut into reads, in either framing and in a mixture."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harnessgym_mcp.core.framing import Splitter, with_headers, with_newline


class Heard:
    def __init__(self, most=10_000):
        self.frames, self.stray, self.oversize = [], [], []
        self.splitter = Splitter(most, self.frames.append, self.stray.append, self.oversize.append)

    def feed(self, data, cuts=()):
        edges = [0, *sorted(c % (len(data) + 1) for c in cuts), len(data)]
        for start, end in itertools.pairwise(edges):
            if start < end:
                self.splitter.feed(data[start:end])
        return self


messages = st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers(), max_size=4).map(
    lambda value: json.dumps(value).encode()
)
framed = st.tuples(messages, st.sampled_from([with_newline, with_headers]))
cuts = st.lists(st.integers(0, 10_000), max_size=12)


@given(st.lists(framed, max_size=8), cuts)
def test_any_cuts_and_any_mixture_of_framings(parts, cuts):
    heard = Heard().feed(b"".join(part for message, how in parts for part in how(message)), cuts)
    assert heard.frames == [message for message, _ in parts]
    assert heard.stray == heard.oversize == []


@given(st.lists(messages, min_size=1, max_size=4), cuts)
def test_stray_lines_between_frames_are_told_and_cost_no_frame(parts, cuts):
    heard = Heard().feed(b"".join(b"debug: hello\n" + m + b"\n" for m in parts), cuts)
    assert heard.frames == parts
    assert heard.stray == [b"debug: hello"] * len(parts)


@given(cuts)
def test_an_oversized_frame_is_told_once_and_the_next_one_comes(cuts):
    big, small = b'{"x":"' + b"y" * 500 + b'"}', b'{"ok":1}'
    for data in (big + b"\n" + small + b"\n", b"".join((*with_headers(big), *with_headers(small)))):
        heard = Heard(most=100).feed(data, cuts)
        assert len(heard.oversize) == 1
        assert heard.frames[-1:] == [small]


@pytest.mark.parametrize(
    "header",
    [b"Content-Length: %d\r\n\r\n", b"content-length:%d\n\n", b"CONTENT-LENGTH: %d\r\nContent-Type: x\r\n\r\n"],
)
def test_headers_in_any_spelling(header):
    heard = Heard().feed(header % 8 + b'{"ok":1}')
    assert heard.frames == [b'{"ok":1}']
    assert heard.splitter.headers


@pytest.mark.parametrize("line", [b"Content-Length: x\r\n", b"Content-Length: -5\r\n"])
def test_a_damaged_header_does_not_wedge_the_stream(line):
    heard = Heard().feed(line + b'{"ok":1}\n')
    assert heard.frames == [b'{"ok":1}']


@pytest.mark.parametrize("data", [b"Content-Length: 0\r\n\r\n", b"Content-Length: 9\n", b"Content-Length : 9\r\n\r\n"])
def test_an_empty_body_and_a_forgotten_empty_line_cost_no_frame(data):
    assert Heard().feed(data + b'{"ok":11}\n').frames == [b'{"ok":11}']


def test_long_frames_are_sent_in_parts_and_come_back_whole():
    long = json.dumps({"text": "x" * 100_000}).encode()
    for how in (with_newline, with_headers):
        parts = how(long)
        assert long in parts  # itself, not a copy
        assert Heard(most=200_000).feed(b"".join(parts), range(0, 100_000, 7000)).frames == [long]
    head, tail = long[:10], memoryview(long)[10:]
    assert b"".join(with_newline(head, tail)) == long + b"\n"


def test_a_frame_of_many_reads_comes_whole_and_leaves_nothing_behind():
    heard = Heard(most=20_000_000)
    for size in (3_000_000, 5, 4_000_000):
        for how in (with_newline, with_headers):
            long = json.dumps({"text": "x" * size}).encode()
            heard.frames.clear()
            heard.feed(b"".join(how(long)) + b'{"ok":1}\n', range(0, size, 65_536))
            assert heard.frames == [long, b'{"ok":1}']
    assert heard.feed(b"x" * 3_000_000 + b"\n" + b'{"ok":1}\n', range(0, 3_000_000, 65_536)).frames[-1] == b'{"ok":1}'
    assert len(heard.stray) == 1


def test_white_space_and_empty_lines_mean_nothing():
    assert Heard().feed(b'\n  \r\n  {"ok":1}  \r\n\n').frames == [b'{"ok":1}']


def test_a_frame_without_an_end_is_waited_for_within_bounds():
    heard = Heard(most=50)
    for _ in range(10_000):
        heard.splitter.feed(b"x" * 100)
    assert len(heard.oversize) == 1
    assert heard.feed(b'\n{"ok":1}\n').frames == [b'{"ok":1}']
