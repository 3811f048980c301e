"""MCP over stdio with the standard library alone: a line of JSON in, a line of JSON out.

This file is the same in every starter artifact. The main thread reads, and answers pings and lists at once; calls are
done by a second thread, one after the other in the order they came, so that two measurements never disturb each other
and a call can be cancelled while it runs. When the input ends, what is under way gets a moment, and is then cancelled.
"""

import json
import queue
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MOST_CHARS = 30_000  # of one answer; clients cut longer ones
GRACE = 0.8  # seconds for calls under way, after the input's end and again after cancelling them


class ToolError(Exception):
    """The caller can do something about it; the message says what. Becomes a result with isError: true."""


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


def arguments(*required: str, **properties: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object with these members and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


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


# ---- values


_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Without control characters, halves of characters, and marks that turn the direction of writing."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def plain(value: Any) -> Any:
    """What JSON can say: texts cleaned, numbers that are not finite as text."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    if isinstance(value, dict):
        return {clean(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def rounded(value: float, digits: int = 6) -> float:
    """To significant digits: a measurement has no more."""
    return float(f"{value:.{digits}g}")


# ---- arguments

_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,), "array": (list,), "object": (dict,),
}  # fmt: skip


def taken(value: Any, schema: dict[str, Any], where: str) -> Any:
    """The value, if it keeps its schema (whole numbers made integers); else a ToolError that tells what is wrong.

    Of JSON Schema this knows what the tools' schemas use: type, enum, bounds, lengths, pattern, items, members.
    """
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if kinds and not any(_is(value, kind) for kind in kinds):
        raise ToolError(f"{where or 'the whole of the arguments'} has to be of type {' or '.join(kinds)}")
    if "enum" in schema and value not in schema["enum"]:
        raise ToolError(f"{where} has to be one of {', '.join(map(str, schema['enum']))}")
    if isinstance(value, str):
        return _taken_text(value, schema, where)
    if isinstance(value, list):
        _in_bounds(len(value), schema, "Items", f"the number of items in {where}")
        return [taken(item, schema.get("items", {}), f"{where}[{at}]") for at, item in enumerate(value)]
    if isinstance(value, dict):
        return _taken_object(value, schema, where)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _taken_number(value, schema, where)
    return value


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _KINDS[kind])


def _in_bounds(value: float, schema: dict[str, Any], word: str, where: str) -> None:
    least, most = (schema.get(f"m{end}{word}" if word else f"m{end}imum") for end in ("in", "ax"))
    if least is not None and value < least:
        raise ToolError(f"{where} is {value}; at least {least} is needed")
    if most is not None and value > most:
        raise ToolError(f"{where} is {value}; at most {most} is allowed")


def _taken_text(value: str, schema: dict[str, Any], where: str) -> str:
    _in_bounds(len(value), schema, "Length", f"the length of {where}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        raise ToolError(f"{where} has to match {schema['pattern']}")
    return value


def _taken_object(value: dict[str, Any], schema: dict[str, Any], where: str) -> dict[str, Any]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    _in_bounds(len(value), schema, "Properties", f"the number of members of {where}")
    for name in schema.get("required", []):
        if name not in value:
            raise ToolError(f"{_at(where, name)} is missing")
    for name in value:
        if name not in properties and others is False:
            raise ToolError(f"{_at(where, name)} is unknown; known are: {', '.join(properties) or 'none'}")
    default = others if isinstance(others, dict) else {}
    return {name: taken(item, properties.get(name, default), _at(where, name)) for name, item in value.items()}


def _at(where: str, name: str) -> str:
    return f"{where}.{name[:100]}" if where else name[:100]


def _taken_number(value: float, schema: dict[str, Any], where: str) -> float:
    if "type" in schema and (value != value or value in (float("inf"), float("-inf"))):
        raise ToolError(f"{where} has to be a finite number")
    _in_bounds(value, schema, "", where)
    return int(value) if schema.get("type") == "integer" else value
