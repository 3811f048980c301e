"""Calls of a real server reach a real collector as spans and metrics, within the caller's trace."""

import asyncio
import json
import os
import subprocess
import sys
import threading

import pytest
from collecting import DEADLINE, FIRST, call
from mcp import Client, StdioServerParameters
from world import Past, tool

from harnessgym_mcp.core.policy import Isolation, Policy
from harnessgym_mcp.ext.otel import Observed, OtelObserver, attributes, observed
from harnessgym_mcp.proc.choose import choose_sandbox
from harnessgym_mcp.upstream.call import Call

pytest.importorskip("opentelemetry.sdk")
pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")

from msgspec import Raw
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
META = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}


def spans_of(collector):
    found = []
    for body in collector.wait("/v1/traces"):
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            found += [(resource.resource, span) for scope in resource.scope_spans for span in scope.spans]
    return found


def text_of(attributes_):
    return {a.key: a.value.string_value for a in attributes_}


def policy_for(address):
    return Policy().override({"telemetry.otel": True, "telemetry.otel_endpoint": address})


async def ended(**params):
    raw = {name: Raw(json.dumps(value).encode()) for name, value in params.items()}
    made = Call(params=raw, done=lambda _: None, timeout=5.0)
    made.finish("completed")
    return made


async def test_a_call_becomes_a_span_in_the_callers_trace_and_a_measurement(collector):
    observer = OtelObserver(policy_for(collector.address))
    observer.observe(call(status="tool_error", error="no\x1b[31mgood"), await ended(_meta=META))
    await asyncio.to_thread(observer.close, DEADLINE)
    ((resource, span),) = spans_of(collector)
    assert text_of(resource.attributes)["service.name"] == "harnessgym"
    assert (span.name, span.trace_id.hex(), span.parent_span_id.hex()) == ("tools/call lens__look", TRACE, PARENT)
    assert span.trace_state == "vendor=1"
    assert span.end_time_unix_nano - span.start_time_unix_nano == 12_500_000
    told = text_of(span.attributes)
    assert told["mcp.method.name"] == "tools/call"
    assert told["gen_ai.operation.name"] == "execute_tool"
    assert told["gen_ai.tool.name"] == "lens__look"
    assert told["mcp.session.id"] == "s-1"
    assert told["error.type"] == "tool_error"
    assert told["network.transport"] == "pipe"
    assert "\x1b" not in span.status.message
    metrics = [
        metric
        for body in collector.wait("/v1/metrics")
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    ]
    by_name = {m.name: m for m in metrics}
    assert by_name["mcp.server.operation.duration"].unit == "s"
    point = by_name["mcp.server.operation.duration"].histogram.data_points[0]
    assert (point.count, point.sum) == (1, 0.0125)
    assert by_name["mcp.server.session.duration"].histogram.data_points[0].count == 1


@pytest.mark.parametrize("reachable", [True, False])
async def test_nothing_goes_on_after_the_end(collector, monkeypatch, reachable):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    before = set(threading.enumerate())
    observer = OtelObserver(policy_for(collector.address if reachable else "http://127.0.0.1:9"))
    observer.observe(call(), await ended())
    await asyncio.to_thread(observer.close, DEADLINE)
    left = set(threading.enumerate()) - before
    assert [thread.name for thread in left if not thread.name.startswith("asyncio")] == []


async def test_without_or_with_a_broken_context_a_call_begins_its_own_trace(collector):
    observer = OtelObserver(policy_for(collector.address))
    for meta in ({}, {"traceparent": "junk"}, {"traceparent": 7}, {"traceparent": "00-0-0-0", "tracestate": []}):
        observer.observe(call(), await ended(_meta=meta))
    await asyncio.to_thread(observer.close, DEADLINE)
    found = spans_of(collector)
    assert len(found) == 4
    assert {span.parent_span_id for _, span in found} == {b""}


async def test_a_full_queue_counts_what_it_drops(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    observer = OtelObserver(Policy().override({"telemetry.otel": True, "telemetry.queue": 0}))
    observer.observe(call(), await ended())
    assert observer.dropped == 1
    observer.close(DEADLINE)


async def test_a_json_rpc_error_is_told_by_its_code():
    made = await ended()
    event = call(status="protocol_error")
    seen = Observed(event, {}, "7", True, "-32602")
    told = attributes(seen)
    assert told["error.type"] == told["rpc.response.status_code"] == "-32602"
    assert told["jsonrpc.request.id"] == "7"
    assert told["mcp.protocol.version"] == "2026-07-28"
    assert observed(event, made).code == ""


async def test_a_served_call_is_traced_and_its_context_reaches_the_server_untouched(collector, tmp_path):
    past = Past(tmp_path)
    past.publish("lens", "0.1.0", [tool("look", "It looks.")])
    confined = choose_sandbox(Isolation(), past.home.state).report.confined
    settings = ["telemetry.otel=true", f"telemetry.otel_endpoint={collector.address}"]
    settings += [] if confined else ["isolation.allow_unconfined=true"]
    flags = [word for setting in settings for word in ("--set", setting)]
    where = ["--workspace", str(past.workspace), "--state", str(past.home.state)]
    env = {k: os.environ[k] for k in ("PATH", "HOME", "PYTHONPATH") if k in os.environ}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "harnessgym_mcp", "serve", *where, *flags], env=env
    )
    async with Client(server, mode="legacy", read_timeout_seconds=DEADLINE, cache=None) as client:
        result = await client.call_tool("lens__look", {"path": "a"}, meta=META)
    assert META.items() <= json.loads(result.content[0].text)["_meta"].items()
    ((_, span),) = await asyncio.to_thread(spans_of, collector)
    assert (span.name, span.trace_id.hex(), span.parent_span_id.hex()) == ("tools/call lens__look", TRACE, PARENT)
    assert text_of(span.attributes)["harnessgym.client"] == "mcp"


def test_without_the_sdk_it_says_what_to_install(tmp_path):
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").touch()  # stands where the SDK's namespace would be
    code = f"{FIRST}; sys.exit(main(sys.argv[2:]))"
    where = ["--workspace", str(tmp_path), "--state", str(tmp_path / "state"), "--set", "telemetry.otel=true"]
    argv = [sys.executable, "-c", code, str(tmp_path), "serve", *where]
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=DEADLINE)
    assert done.returncode == 2
    assert "harnessgym-mcp[otel]" in done.stderr


def test_a_start_without_it_imports_nothing_of_it():
    modules = "harnessgym_mcp.server.serve, harnessgym_mcp.cli.commands.serve_"
    code = f"import {modules}, sys; print('opentelemetry' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=DEADLINE)
    assert done.stdout.strip() == "False"
