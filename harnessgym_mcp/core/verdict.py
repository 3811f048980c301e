"""The clean room's verdict: `qualified` or `rejected`, with findings, stages and what isolation was in force.

The same structure serves MCP, the CLI and the evidence in quarantine; `schema()` documents it as JSON Schema.
"""

from typing import Any, Literal

import msgspec

from harnessgym_mcp.core.records import decoded
from harnessgym_mcp.core.text import clean, cut

__all__ = [
    "SCHEMA",
    "Finding",
    "IsolationReport",
    "StageResult",
    "Verdict",
    "decode_verdict",
    "finding",
    "schema",
]

SCHEMA = "harnessgym/verdict/1"
Severity = Literal["error", "warning", "info"]

_TEXT_CHARS = 1200  # of each text of a finding; a bound of the record itself, whatever the settings


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that the clean room noticed; `error` findings reject. All text is cleaned and cut."""

    id: str  # stable, `<stage>.<what>`, listed in docs/findings.md
    stage: str
    severity: Severity
    what: str  # what was seen, in words
    where: str = ""  # file:line, tool, or field
    fix: str = ""  # what to change
    repro: str = ""  # the call that shows it, ready to paste


class StageResult(msgspec.Struct, frozen=True, kw_only=True):
    """One stage's outcome; `ms` is wall time in milliseconds."""

    id: str
    status: Literal["passed", "failed", "skipped"]
    ms: float
    note: str = ""


class IsolationReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured to be in force inside the sandbox, not what was asked for."""

    tier: Literal["A", "B", "C", "D"]
    mechanism: str
    in_force: dict[str, bool] = {}
    missing: list[str] = []
    tried: list[dict[str, Any]] = []
    limits: dict[str, int] = {}

    @property
    def confined(self) -> bool:
        """Does it contain hostile code well enough to promote an artifact?"""
        return self.tier in ("A", "B", "C")


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One qualification's whole result."""

    status: Literal["qualified", "rejected"]
    name: str
    version: str
    digest: str  # of the submitted tree
    kind: Literal["server", "skill"]
    findings: list[Finding]
    stages: list[StageResult]
    isolation: IsolationReport | None
    tools: list[dict[str, Any]] = []  # definitions as the server listed them
    skills: list[str] = []
    wire: dict[str, Any] = {}  # framing and eras that the server speaks
    policy_digest: str = ""
    started_at: float = 0.0  # seconds since the epoch
    duration_ms: float = 0.0
    harnessgym: str = ""  # version that judged
    schema: str = SCHEMA

    @property
    def qualified(self) -> bool:
        return self.status == "qualified"

    @property
    def errors(self) -> list[Finding]:
        return [f for f in self.findings if f.severity == "error"]


def finding(
    id: str,
    what: str,
    *,
    severity: Severity = "error",
    where: str = "",
    fix: str = "",
    repro: str = "",
) -> Finding:
    """A finding whose stage is the id's first part and whose text is safe to show."""
    texts = {"what": what, "where": where, "fix": fix, "repro": repro}
    return Finding(
        id=id,
        stage=id.partition(".")[0],
        severity=severity,
        **{k: cut(clean(v), _TEXT_CHARS) for k, v in texts.items()},
    )


def decode_verdict(data: bytes) -> Verdict:
    """Raises msgspec.DecodeError when the bytes are not a verdict."""
    return decoded(data, Verdict)


def schema() -> dict[str, Any]:
    """JSON Schema of a verdict."""
    return msgspec.json.schema(Verdict)
