"""What a monitoring system scrapes: the record of calls in the Prometheus text format, version 0.0.4.

Counters come from the telemetry file, so they survive restarts; retention and a deleted file make them start anew,
which such systems take for a reset.
"""

from collections.abc import Iterable, Iterator

from harnessgym_mcp import __version__
from harnessgym_mcp.core.events import STATUSES
from harnessgym_mcp.core.lifecycle import Registry, hidden
from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.text import clean
from harnessgym_mcp.store.callseries import Histogram, call_histograms
from harnessgym_mcp.store.home import Home
from harnessgym_mcp.store.registry import RegistryStore

__all__ = ["CONTENT_TYPE", "exposition"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_LABEL_CHARS = 200

Sample = tuple[str, dict[str, str], float]


def exposition(home: Home, policy: Policy) -> str:
    """All metrics of one home; blocks. Raises StateError when the registry cannot be read."""
    registry = RegistryStore(home, timeout=policy.timeouts.lock).load()
    notes: list[str] = []
    calls = call_histograms(home, _BOUNDS, notes=notes)
    lines: list[str] = []
    for name, kind, help, samples in (
        ("harnessgym_info", "gauge", "The version that answers.", [("", {"version": __version__}, 1.0)]),
        ("harnessgym_artifacts", "gauge", "Artifacts by status.", _artifacts(registry)),
        ("harnessgym_quarantined", "gauge", "Rejected trees that are hidden.", [("", {}, len(hidden(registry)))]),
        ("harnessgym_telemetry_up", "gauge", "1 when the record of calls can be read.", [("", {}, not notes)]),
        ("harnessgym_calls_total", "counter", "Forwarded calls by how they ended.", _calls(calls)),
        ("harnessgym_call_duration_seconds", "histogram", "Duration of forwarded calls.", _durations(calls)),
    ):
        lines += [f"# HELP {name} {help}", f"# TYPE {name} {kind}"]
        lines += [f"{name}{suffix}{_labels(labels)} {_number(value)}" for suffix, labels, value in samples]
    return "\n".join(lines) + "\n"


def _artifacts(registry: Registry) -> Iterator[Sample]:
    for status in ("active", "archived"):
        yield "", {"status": status}, sum(a.status == status for a in registry.artifacts.values())


def _calls(found: Iterable[Histogram]) -> Iterator[Sample]:
    for tool in found:
        for status in (*STATUSES, *sorted(tool.statuses.keys() - set(STATUSES))):
            yield "", _of(tool) | {"status": status}, tool.statuses.get(status, 0)


def _durations(found: Iterable[Histogram]) -> Iterator[Sample]:
    for tool in found:
        count = sum(tool.statuses.values())
        for bound, within in zip(_BOUNDS, tool.within, strict=True):
            yield "_bucket", _of(tool) | {"le": _number(bound)}, within
        yield "_bucket", _of(tool) | {"le": "+Inf"}, count
        yield "_sum", _of(tool), tool.seconds
        yield "_count", _of(tool), count


def _of(tool: Histogram) -> dict[str, str]:
    return {"artifact": tool.artifact, "tool": tool.tool}


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}" if labels else ""


def _escaped(value: str) -> str:
    """A label's value: whatever an artifact calls its tools, it stays on its line and in its quotes."""
    text = clean(value)[:_LABEL_CHARS]
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return f"{value:.10g}"
