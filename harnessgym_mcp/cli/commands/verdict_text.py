"""A verdict in words: what a person reads after `qualify`, `submit` and `requalify`."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harnessgym_mcp.core.verdict import Verdict

__all__ = ["describe"]

_MARK = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}


def describe(verdict: "Verdict") -> str:
    """Status, stages, and each finding with its fix and its reproduction."""
    tier = f"tier {verdict.isolation.tier}" if verdict.isolation else "no sandbox"
    lines = [f"{verdict.name} {verdict.version}: {verdict.status} ({tier}, {verdict.duration_ms:.0f} ms)"]
    lines += [f"  {s.id:<12} {_MARK[s.status]:<8} {s.ms:6.0f} ms  {s.note}".rstrip() for s in verdict.stages]
    for finding in verdict.findings:
        lines.append(f"\n  {finding.severity}: {finding.id}" + (f"  at {finding.where}" if finding.where else ""))
        lines.append(f"    {finding.what}")
        lines += [f"    {label}: {text}" for label, text in (("fix", finding.fix), ("repro", finding.repro)) if text]
    return "\n".join(lines)
