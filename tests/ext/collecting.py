"""One recorded call, and a collector that speaks OTLP over HTTP."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from harnessgym_mcp.core.events import CallEvent

DEADLINE = 20.0

FIRST = "import sys; sys.path.insert(0, sys.argv[1]); from harnessgym_mcp.cli.main import main"
"""Code of a process that looks into a given folder before all others."""


def call(**more: Any) -> CallEvent:
    values = dict.fromkeys(CallEvent._fields, "") | {
        "at": 1.8e9, "session": "s-1", "client": "tester", "labels": "{}", "artifact": "lens", "digest": "sha256:ab",
        "tool": "look", "origin": "agent", "duration_ms": 12.5, "status": "completed", "argument_keys": "[]",
        "argument_bytes": 2, "arguments": None, "result_bytes": 20, "content_kinds": "{}",
    }  # fmt: skip
    return CallEvent(**(values | more))


class Collector:
    """Keeps the bodies that are posted to it, by path."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[bytes]] = {}
        self._news = threading.Condition()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    import gzip

                    body = gzip.decompress(body)
                collector.take(self.path, body)
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def take(self, path: str, body: bytes) -> None:
        with self._news:
            self.bodies.setdefault(path, []).append(body)
            self._news.notify_all()

    def wait(self, path: str) -> list[bytes]:
        with self._news:
            assert self._news.wait_for(lambda: path in self.bodies, DEADLINE), f"nothing came to {path}"
            return list(self.bodies[path])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
