"""The same minimal client over HTTP: Streamable HTTP, and the older transport with its stream of events."""

import contextlib
import http.client
import select
import signal
import socket
import time

from benchmarks.clients import START, Client

IDLE = 2.0  # seconds; servers close what is longer without a request


class Web(Client):
    """Over Streamable HTTP, one connection kept open, one call at a time."""

    def __init__(self, argv: list[str], environment: dict[str, str], port: int) -> None:
        super().__init__(argv, environment)
        wait_for(port)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START)
        self.headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        self.body = b""

    def send(self, message: bytes) -> None:
        try:
            response = self._post(message)
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):  # kept open long enough
            self.connection.close()
            response = self._post(message)
        if session := response.headers["Mcp-Session-Id"]:
            self.headers["Mcp-Session-Id"] = session
        self.body = response.read()

    def _post(self, message: bytes) -> http.client.HTTPResponse:
        self.connection.request("POST", "/mcp", message, self.headers)
        return self.connection.getresponse()

    def receive(self) -> bytes:
        _, data, rest = self.body.partition(b"data: {")  # an event, or the answer alone
        return b"{" + rest.splitlines()[0] if data else self.body

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        super().close()


class Sse(Client):
    """Over the older transport: answers come as events of one stream, requests are posted one behind the other."""

    def __init__(self, argv: list[str], environment: dict[str, str], port: int) -> None:
        super().__init__(argv, environment)
        wait_for(port)
        self.port = port
        self.requests, self.sent = self._connect(), time.monotonic()
        path = self._listen(port)
        self.head = b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" % path

    def _connect(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def _listen(self, port: int) -> bytes:
        """Where to post to. It listens before it can serve, and refuses until then."""
        until = time.monotonic() + START
        while time.monotonic() < until:
            with socket.create_connection(("127.0.0.1", port), START) as at:
                self.stream = at.makefile("rb", 1 << 20)
                at.sendall(
                    b"GET /mcp HTTP/1.0\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"
                )  # 1.0: no chunks
            with contextlib.suppress(AssertionError):
                return self.receive()
            select.select([], [], [], 0.05)
        raise TimeoutError(f"no stream of events on port {port}")

    def send(self, message: bytes) -> None:
        now = time.monotonic()
        if now - self.sent > IDLE:
            self.requests.close()
            self.requests = self._connect()
        self.sent = now
        with contextlib.suppress(BlockingIOError):
            self.requests.recv(1 << 16, socket.MSG_DONTWAIT)  # what was said of earlier ones: accepted
        self.requests.sendall(self.head + b"Content-Length: %d\r\n\r\n" % len(message) + message)

    def receive(self) -> bytes:
        """The next event's data."""
        while line := self.stream.readline():
            if line.startswith(b"data: "):
                return line[6:].rstrip()
        raise AssertionError("the stream has ended")

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        super().close()


def wait_for(port: int) -> None:
    """Until somebody listens there."""
    until = time.monotonic() + START
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        select.select([], [], [], 0.05)
    raise TimeoutError(f"nobody listens on port {port}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as at:
        return int(at.getsockname()[1])
