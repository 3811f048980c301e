"""MCP over stdio with the standard library alone: a line of JSON in, a line of JSON out.

This file is the same in every starter artifact. The main thread reads, and answers pings and lists at once; calls are
done by a second thread, one after the other in the order they came, so that two measurements never disturb each other
and a call can be cancelled while it runs. When the input ends, what is under way gets a moment, and is then cancelled.
"""

import json
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from values import ToolError, clean, plain, taken

VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MOST_CHARS = 30_000  # of one answer; clients cut longer ones
GRACE = 0.8  # seconds for calls under way, after the input's end and again after cancelling them


class Cancelled(Exception):
    """The caller no longer wants the answer."""


class Tool(NamedTuple):
    """`run(call, **arguments)` gives a JSON value; the arguments have been checked against `schema`."""

    name: str
    description: str
    schema: dict[str, Any]
    run: Callable[..., Any]

    def definition(self) -> dict[str, Any]:
        """As tools/list has it; the lines of the description are joined."""
        return {"name": self.name, "description": " ".join(self.description.split()), "inputSchema": self.schema}


class Call:
    """One call under way, as its tool sees it."""

    def __init__(self, id: Any, params: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
        meta = params.get("_meta")
        self.id = id
        self.params = params
        self._token = meta.get("progressToken") if isinstance(meta, dict) else None
        self._send = send
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        self._cancelled.set()

    def check(self) -> None:
        """Raise Cancelled once nobody waits any more; long work asks now and then."""
        if self.cancelled:
            raise Cancelled

    def progress(self, done: float, total: float, message: str) -> None:
        """Tell how far the work is, if the caller asked to be told."""
        if self._token is not None:
            params = {"progressToken": self._token, "progress": done, "total": total, "message": clean(message)}
            self._send({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})


def serve(name: str, version: str, tools: Iterable[Tool]) -> None:
    """Answer until the input ends."""
    _Server(name, version, tools).run()


class _Server:
    def __init__(self, name: str, version: str, tools: Iterable[Tool]) -> None:
        self._info = {"name": name, "version": version}
        self._tools = {tool.name: tool for tool in tools}
        self._calls: dict[Any, Call] = {}  # waiting and running, by request id
        self._queue: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._output = threading.Lock()

    def run(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `finally` is done everywhere
        worker = threading.Thread(target=self._work, daemon=True)
        worker.start()
        try:
            for line in iter(sys.stdin.buffer.readline, b""):
                if line.strip():
                    self._take(line)
        except KeyboardInterrupt:
            pass
        finally:
            self._queue.put(None)
            worker.join(GRACE)
            for call in list(self._calls.values()):
                call.cancel()
            worker.join(GRACE)

    # ---- the main thread

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            return self._fail(None, -32700, "not JSON")
        if not isinstance(message, dict) or isinstance(message.get("id"), list | dict):
            return self._fail(None, -32600, "not a request")
        method, params = message.get("method"), message.get("params")
        params = params if isinstance(params, dict) else {}
        if not isinstance(method, str):
            is_answer = "result" in message or "error" in message
            return None if is_answer else self._fail(message.get("id"), -32600, "no method")
        if "id" not in message:
            return self._notified(method, params)
        return self._asked(message["id"], method, params)

    def _notified(self, method: str, params: dict[str, Any]) -> None:
        wanted = params.get("requestId")
        if method == "notifications/cancelled" and isinstance(wanted, str | int) and wanted in self._calls:
            self._calls[wanted].cancel()

    def _asked(self, id: Any, method: str, params: dict[str, Any]) -> None:
        if method == "tools/call":
            self._calls[id] = call = Call(id, params, self._send)
            self._queue.put(call)
        elif method == "tools/list":
            self._reply(id, {"tools": [tool.definition() for tool in self._tools.values()]})
        elif method == "initialize":
            wanted = params.get("protocolVersion")
            version = wanted if wanted in VERSIONS else VERSIONS[-1]
            self._reply(id, {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": self._info})
        elif method == "ping":
            self._reply(id, {})
        else:
            self._fail(id, -32601, f"there is no method {clean(method)[:200]!r}")

    # ---- the worker

    def _work(self) -> None:
        while (call := self._queue.get()) is not None:
            result = None if call.cancelled else self._perform(call)
            self._calls.pop(call.id, None)
            if result is not None:
                self._reply(call.id, result)

    def _perform(self, call: Call) -> dict[str, Any] | None:
        """The call's result; None where nobody wants it any more."""
        try:
            return _result(_answer(self._tool(call), call))
        except Cancelled:
            return None
        except ToolError as error:
            return _result(str(error), failed=True)
        except Exception as error:  # a defect of the tool must not end the server
            return _result(f"the tool failed itself: {type(error).__name__}: {error}", failed=True)

    def _tool(self, call: Call) -> Tool:
        name = call.params.get("name")
        if not isinstance(name, str) or name not in self._tools:
            raise ToolError(f"there is no tool {str(name)[:200]!r}; there are: {', '.join(self._tools)}")
        return self._tools[name]

    # ---- out

    def _reply(self, id: Any, result: dict[str, Any]) -> None:
        self._send({"jsonrpc": "2.0", "id": id, "result": result})

    def _fail(self, id: Any, code: int, message: str) -> None:
        self._send({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})

    def _send(self, message: dict[str, Any]) -> None:
        line = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        with self._output:
            try:
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
            except OSError:  # nobody listens any more; the end of the input follows
                pass


def _answer(tool: Tool, call: Call) -> str:
    arguments = call.params.get("arguments")
    arguments = {} if arguments is None else arguments
    value = tool.run(call, **taken(arguments, tool.schema, ""))
    text = json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))
    if len(text) > MOST_CHARS:
        raise ToolError(f"the answer has {len(text)} characters, {MOST_CHARS} are allowed; ask for less at once")
    return text


def _result(text: str, failed: bool = False) -> dict[str, Any]:
    result: dict[str, Any] = {"content": [{"type": "text", "text": clean(text)[:MOST_CHARS]}]}
    return {**result, "isError": True} if failed else result
