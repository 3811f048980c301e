"""The one model of a report: everything that `report.json`, the terminal and the page show."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from harnessgym_mcp.core.analysis import analyse
from harnessgym_mcp.core.comparison import Comparison
from harnessgym_mcp.core.leakage import Leak
from harnessgym_mcp.core.outcomes import Outcome
from harnessgym_mcp.core.policy import Compare
from harnessgym_mcp.core.records import readable, versioned
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.trials import Design, design_digest
from harnessgym_mcp.report.words import headline, summary

__all__ = ["SCHEMA", "ReportModel", "build", "decode", "encode", "schema"]

SCHEMA = "harnessgym/report/1"


class ReportModel(msgspec.Struct, frozen=True, kw_only=True):
    """A finished or partial comparison, ready to be shown.

    `verdict` is one of better, worse, no evidence, underpowered (with the n needed); `finding` tells it in one
    sentence with its interval; `exit_code` is what `harnessgym compare` exits with. `command` reruns it.
    `generated_at` is seconds since the epoch, `harnessgym` the version that analysed.
    """

    title: str
    verdict: str
    finding: str
    exit_code: int
    command: str
    generated_at: float
    harnessgym: str
    design: Design
    design_digest: str
    comparison: Comparison
    schema: str = SCHEMA


def build(
    design: Design,
    outcomes: Iterable[Outcome],
    *,
    title: str,
    generated_at: float,
    harnessgym: str,
    command: str = "",
    leaks: Sequence[Leak] | None = None,
    rules: Compare | None = None,
) -> ReportModel:
    """Analyses and words a comparison. Raises UsageError as `core.analysis.analyse` does."""
    comparison = analyse(design, outcomes, leaks=leaks, rules=rules)
    return ReportModel(
        title=one_line(title),
        verdict=headline(comparison.judgement),
        finding=one_line(summary(design, comparison.contrasts[0]), 600),
        exit_code=comparison.exit_code,
        command=one_line(command, 2000),
        generated_at=generated_at,
        harnessgym=harnessgym,
        design=design,
        design_digest=design_digest(design),
        comparison=comparison,
    )


def encode(model: ReportModel) -> bytes:
    """The bytes of `report.json`."""
    return readable(model, indent=2)


def decode(data: bytes) -> ReportModel:
    """Raises CorruptError for bytes that are no report of this schema."""
    return versioned(data, ReportModel, SCHEMA, "report", hint="write it again with `harnessgym report`")


def schema() -> dict[str, Any]:
    """JSON Schema of `report.json`."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(ReportModel)}
