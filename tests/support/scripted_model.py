"""A model that says what a test tells it to: Anthropic Messages and OpenAI Responses, streamed, on loopback.

    with ScriptedModel([Answer(calls=[Call("echo", {"value": "x"})]), Answer("done")]) as model:
        ...  # a client with model.url as its base URL; then model.requests says what it was asked

Requests that offer fewer than two tools (titles, topics) get a harmless answer and take no turn. A request whose
conversation was seen before, a client's retry, gets the same answer again. After the last answer it says "END".
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Answer", "Call", "Request", "ScriptedModel"]


@dataclass(frozen=True)
class Call:
    """A tool call. `tool` is the MCP server's own name for it, or one of the client's own tools."""

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """One answer: text, then calls. `status` other than 200 refuses; `hold` is waited for first."""

    text: str = ""
    calls: Sequence[Call] = ()
    status: int = 200
    hold: threading.Event | None = None
    tokens: tuple[int, int] = (1000, 10)  # in, out


@dataclass(frozen=True)
class Request:
    """What the model was asked."""

    body: dict[str, Any]

    @property
    def turns(self) -> list[Any]:
        """The conversation, in the API's own form."""
        return self.body.get("messages") or self.body.get("input") or []

    @property
    def text(self) -> str:
        """All text of the conversation."""
        return "\n".join(_texts(self.turns))

    @property
    def tools(self) -> dict[str, tuple[str, str]]:
        """Every tool that may be called now: shown name -> (namespace, name)."""
        offered = list(self.body.get("tools") or [])
        offered += [t for item in self.turns if isinstance(item, dict) for t in item.get("tools") or []]
        offered += [{"name": name} for name in re.findall(r"(?m)^(mcp__[\w-]+)$", self.text)]  # Claude: not yet loaded
        return {f"{space}__{name}" if space else name: (space, name) for space, name in _flat(offered)}

    @property
    def results(self) -> list[str]:
        """The tool results of the last turns, as text."""
        found = [block for turn in self.turns for block in _blocks(turn)]
        return [
            "\n".join(_texts(b.get("content", b.get("output"))))
            for b in found
            if "result" in b["type"] or "output" in b["type"]
        ]

    def find(self, tool: str) -> tuple[str, str] | None:
        """How this client calls a tool: (namespace, name)."""
        wanted = re.sub(r"[^A-Za-z0-9_]", "_", tool)
        for shown, name in self.tools.items():
            flat = re.sub(r"[^A-Za-z0-9_]", "_", shown)
            if flat == wanted or (flat.startswith("mcp__") and flat.endswith(f"__{wanted}")):
                return name
        return None


def _flat(tools: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for tool in tools:
        if tool.get("type") == "namespace":
            yield from ((tool["name"], inner["name"]) for inner in tool["tools"])
        elif tool.get("name") or tool.get("type"):
            yield "", tool.get("name") or tool["type"]


def _blocks(turn: Any) -> list[dict[str, Any]]:
    content = turn.get("content") if isinstance(turn, dict) else None
    both = [turn, *(content if isinstance(content, list) else ())]
    return [b for b in both if isinstance(b, dict) and isinstance(b.get("type"), str)]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, dict):
        for key in ("text", "content", "output"):
            yield from _texts(value.get(key))


Turn = Answer | Callable[[Request], Answer]


class ScriptedModel:
    """Serves until the `with` block ends."""

    def __init__(self, turns: Sequence[Turn], default: Answer = Answer("END")) -> None:
        self.turns, self.default = list(turns), default
        self.requests: list[Request] = []
        self.missing: list[str] = []  # tools that a call named and the client did not offer
        self.asked = threading.Event()  # a first request has come
        self._given: dict[str, Answer] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "ScriptedModel":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def spent(self) -> tuple[int, int]:
        """Tokens in and out of all answers given."""
        given = list(self._given.values())
        return sum(a.tokens[0] for a in given), sum(a.tokens[1] for a in given)

    def answer(self, body: dict[str, Any]) -> tuple[Request, Answer]:
        """The answer to one request, in turn."""
        request = Request(body)
        if len(request.tools) < 2:
            return request, Answer("ok")
        key = json.dumps(request.turns)
        with self._lock:
            if key not in self._given:
                turn = self.turns[len(self._given)] if len(self._given) < len(self.turns) else self.default
                self.requests.append(request)
                self._given[key] = turn(request) if callable(turn) else turn
            answer = self._given[key]
        self.asked.set()
        if answer.hold:
            answer.hold.wait(60)
        return request, answer

    def resolve(self, request: Request, call: Call) -> tuple[str, str] | None:
        """The client's names for a tool; one that it does not offer is remembered as missing."""
        found = request.find(call.tool)
        if found is None:
            self.missing.append(call.tool)
        return found


def _handler(model: ScriptedModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.reply(200, b"", "application/json")

        def do_GET(self) -> None:
            self.json({"object": "list", "data": []} if self.path.partition("?")[0].endswith("/models") else {}, 200)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
            path = self.path.partition("?")[0]
            if path.endswith("/count_tokens"):
                self.json({"input_tokens": 100})
            elif path.endswith("/messages"):
                self.stream(body, _messages)
            elif path.endswith("/responses"):
                self.stream(body, _responses)
            else:
                self.json({})

        def stream(self, body: dict[str, Any], form: Callable[..., list[dict[str, Any]]]) -> None:
            request, answer = model.answer(body)
            if answer.status != 200:
                error = {"type": "api_error", "message": "refused as told"}
                self.json({"type": "error", "error": error}, answer.status)
                return
            calls = [(c, model.resolve(request, c)) for c in answer.calls]
            events = form(body.get("model"), answer, [(c, found) for c, found in calls if found])
            text = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)
            self.reply(200, text.encode(), "text/event-stream")

        def json(self, value: object, status: int = 200) -> None:
            self.reply(status, json.dumps(value).encode(), "application/json")

        def reply(self, status: int, data: bytes, kind: str) -> None:
            try:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)
            except OSError:
                self.close_connection = True  # the client has gone; that is what some tests are about

    return Handler


Named = Sequence[tuple[Call, tuple[str, str]]]


def _messages(model: str, answer: Answer, calls: Named) -> list[dict[str, Any]]:
    """Anthropic Messages: the events of one streamed answer."""
    blocks: list[tuple[dict[str, Any], dict[str, Any]]] = []
    if answer.text or not calls:
        blocks.append(({"type": "text", "text": ""}, {"type": "text_delta", "text": answer.text or "ok"}))
    for call, (_, name) in calls:
        use = {"type": "tool_use", "id": _id("toolu"), "name": name, "input": {}}
        blocks.append((use, {"type": "input_json_delta", "partial_json": json.dumps(call.arguments)}))
    usage = {"input_tokens": answer.tokens[0], "output_tokens": 1}
    head = {"id": _id("msg"), "type": "message", "role": "assistant", "model": model, "content": [], "usage": usage}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {**head, "stop_reason": None}}]
    for index, (start, delta) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    stop = {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None}
    events.append({"type": "message_delta", "delta": stop, "usage": {"output_tokens": answer.tokens[1]}})
    return [*events, {"type": "message_stop"}]


def _responses(model: str, answer: Answer, calls: Named) -> list[dict[str, Any]]:
    """OpenAI Responses: the events of one streamed answer."""
    items: list[dict[str, Any]] = []
    if answer.text or not calls:
        content = [{"type": "output_text", "text": answer.text or "ok", "annotations": []}]
        items.append(
            {"type": "message", "id": _id("msg"), "role": "assistant", "status": "completed", "content": content}
        )
    for call, (space, name) in calls:
        item = {"type": "function_call", "id": _id("fc"), "call_id": _id("call"), "name": name, "status": "completed"}
        items.append({**item, "arguments": json.dumps(call.arguments)} | ({"namespace": space} if space else {}))
    tokens_in, tokens_out = answer.tokens
    usage = {
        "input_tokens": tokens_in,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": tokens_out,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens_in + tokens_out,
    }
    response = {"id": _id("resp"), "object": "response", "model": model, "status": "in_progress", "output": []}
    done = {**response, "status": "completed", "output": items, "usage": usage}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": response}]
    events += [{"type": "response.output_item.done", "output_index": at, "item": i} for at, i in enumerate(items)]
    events.append({"type": "response.completed", "response": done})
    return [{**event, "sequence_number": at} for at, event in enumerate(events)]


def _id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:24]}"
