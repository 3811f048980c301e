"""Calls as OpenTelemetry spans and metrics, over OTLP and HTTP, by the semantic conventions for MCP.

Off unless policy says `telemetry.otel`. The event loop only appends to a queue; the SDK (0.2 s to import) is loaded,
fed and emptied in a thread of its own. The caller's trace context, which travels in `params._meta` and reaches the
mounted server untouched, is the parent of the span.
"""

import json
import logging
import threading
import time
from collections import deque
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec import UNSET

from harnessgym_mcp import __version__
from harnessgym_mcp.core.events import CallEvent
from harnessgym_mcp.core.frames import object_of
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.records import text_of
from harnessgym_mcp.core.text import clean
from harnessgym_mcp.core.wire import MODERN
from harnessgym_mcp.errors import UsageError
from harnessgym_mcp.upstream.call import Call

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.util.types import AttributeValue

__all__ = ["BOUNDS", "Observed", "OtelObserver", "Pipeline", "attributes", "observed"]

logger = logging.getLogger(__name__)

BOUNDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds; as the conventions advise for MCP."""

_METHOD = "tools/call"
_CONTEXT = ("traceparent", "tracestate")
_CHARS = 500


class Observed(NamedTuple):
    """One ended call, with what its row does not keep."""

    event: CallEvent
    context: dict[str, str]  # traceparent, tracestate
    request: str  # its JSON-RPC id upstream, "" when it was never sent
    modern: bool
    code: str  # of a JSON-RPC error, else ""


def observed(event: CallEvent, call: Call) -> Observed:
    """Read off a call what a span tells."""
    meta = object_of(call.params.get("_meta", UNSET))
    context: dict[str, str] = {key: text_of(meta[key]) for key in _CONTEXT if key in meta}
    code = _code(call.answer.body) if call.answer and event.status == "protocol_error" else ""
    return Observed(event, context, str(call.number or ""), call.modern, code)


def attributes(seen: Observed) -> "dict[str, AttributeValue]":
    """A span's attributes; the text in them is cleaned and cut."""
    event = seen.event
    failed = "" if event.status == "completed" else seen.code or event.status
    told = {
        "mcp.method.name": _METHOD,
        "mcp.protocol.version": MODERN if seen.modern else "",
        "mcp.session.id": event.session,
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": _name(event),
        "jsonrpc.request.id": seen.request,
        "rpc.response.status_code": seen.code,
        "error.type": failed,
        "network.transport": "pipe",
        "harnessgym.artifact.digest": event.digest,
        "harnessgym.origin": event.origin,
        "harnessgym.via": event.via,
        "harnessgym.client": event.client,
    }
    return {key: clean(value)[:_CHARS] for key, value in told.items() if value}


class Pipeline(Protocol):
    """Where ended calls are told; used by one thread."""

    def tell(self, seen: Observed) -> None: ...
    def close(self, seconds: float) -> None: ...


class OtelObserver:
    """Tells a collector of each call. `dropped` counts calls that found the queue full. Raises UsageError at once
    when the extra is not installed."""

    def __init__(self, policy: Policy) -> None:
        if find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
            hint = "pip install 'harnessgym-mcp[otel]', or set telemetry.otel to false"
            raise UsageError("telemetry.otel is on, but OpenTelemetry's SDK is not installed", hint=hint)
        self.dropped = 0
        self._policy = policy.telemetry
        self._waiting: deque[Observed] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._grace = 0.0
        self._thread = threading.Thread(target=self._run, name="otel", daemon=True)
        self._thread.start()

    def observe(self, event: CallEvent, call: Call) -> None:
        """Never blocks, never raises for what a call holds."""
        if self._closing or len(self._waiting) >= self._policy.queue:
            self.dropped += 1
            return
        self._waiting.append(observed(event, call))
        self._wake.set()

    def close(self, seconds: float) -> None:
        """Send what is waiting, within `seconds`; blocks."""
        self._grace = seconds
        self._closing = True
        self._wake.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            pipeline: Pipeline = _Sdk(self._policy.otel_endpoint)
        except Exception as error:  # a broken installation must not end the server
            logger.warning("OpenTelemetry cannot be used: %s", error)
            self._closing = True
            return
        while not self._closing:
            self._wake.wait()
            self._wake.clear()
            self._empty(pipeline)
        self._empty(pipeline)
        pipeline.close(self._grace)

    def _empty(self, pipeline: Pipeline) -> None:
        while self._waiting:
            pipeline.tell(self._waiting.popleft())


class _Sdk:
    """The SDK's tracer and meter, with batches over OTLP and HTTP. `""`: where the environment's variables say."""

    def __init__(self, endpoint: str) -> None:
        from opentelemetry.sdk.resources import Resource

        resource = Resource.create({"service.name": "harnessgym", "service.version": __version__})
        self._began = time.monotonic()
        self._tracers = _tracers(resource, endpoint)
        self._meters = _meters(resource, endpoint)
        self._tracer = self._tracers.get_tracer("harnessgym", __version__)
        meter = self._meters.get_meter("harnessgym", __version__)
        self._calls = meter.create_histogram("mcp.server.operation.duration", "s", "Duration of forwarded requests.")
        self._sessions = meter.create_histogram("mcp.server.session.duration", "s", "Duration of sessions.")

    def tell(self, seen: Observed) -> None:
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        event = seen.event
        told = attributes(seen)
        began = int(event.at * 1e9)
        span = self._tracer.start_span(
            f"{_METHOD} {clean(_name(event))[:_CHARS]}",
            TraceContextTextMapPropagator().extract(seen.context),
            SpanKind.SERVER,
            told,
            start_time=began,
        )
        if "error.type" in told:
            span.set_status(Status(StatusCode.ERROR, clean(event.error)[:_CHARS]))
        span.end(began + int(event.duration_ms * 1e6))
        measured = {k: v for k, v in told.items() if k in _MEASURED}
        self._calls.record(event.duration_ms / 1000, measured)

    def close(self, seconds: float) -> None:
        self._sessions.record(time.monotonic() - self._began, {"network.transport": "pipe"})
        most = int(seconds * 1000)
        self._tracers.force_flush(most)
        self._meters.shutdown(most)  # which sends what it has; else its thread would go on sending
        self._tracers.shutdown()


_MEASURED = ("mcp.method.name", "gen_ai.operation.name", "gen_ai.tool.name", "error.type", "network.transport",
             "rpc.response.status_code", "mcp.protocol.version")  # fmt: skip


def _tracers(resource: "Resource", endpoint: str) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces") if endpoint else OTLPSpanExporter()
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _meters(resource: "Resource", endpoint: str) -> "MeterProvider":
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View

    exporter = OTLPMetricExporter(f"{endpoint.rstrip('/')}/v1/metrics") if endpoint else OTLPMetricExporter()
    view = View(instrument_name="mcp.*", aggregation=ExplicitBucketHistogramAggregation(BOUNDS))
    reader = PeriodicExportingMetricReader(exporter)
    return MeterProvider([reader], resource=resource, shutdown_on_exit=False, views=[view])


def _name(event: CallEvent) -> str:
    return f"{event.artifact}__{event.tool}"


def _code(error: bytes) -> str:
    """The code in an error; "" where there is none."""
    try:
        return str(int(json.loads(error)["code"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
