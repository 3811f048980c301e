"""Every number in the documents is the code's, was measured, or counts nothing: no fourth kind gets in.

CLAIMS are pieces of the documents with an expression where the number stands; what it gives has to stand there. A
measured number comes from a file in docs/measured, which the command written beside it makes. What is left over has to
be in SAID: versions of others, names of formats, plain speech.
"""

import json
import math
import re
import string
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harnessgym_mcp import errors
from harnessgym_mcp.core import names, skills
from harnessgym_mcp.core.manifest import Expect, LimitsModel
from harnessgym_mcp.core.policy import Policy, settings
from harnessgym_mcp.core.stats import bootstrap
from harnessgym_mcp.gym import prompts
from harnessgym_mcp.qualify import gate, pruning
from harnessgym_mcp.report.charts import charts
from harnessgym_mcp.report.model import decode
from harnessgym_mcp.report.page import standalone
from harnessgym_mcp.server.control import submit
from harnessgym_mcp.server.metrics import CONTENT_TYPE

ROOT = Path(__file__).parents[2]
MEASURED = ROOT / "docs" / "measured"
ELSEWHERE = {"cli.md", "performance.md"}  # full of examples; full of one run's figures: only what is claimed is held
DOCUMENTS = sorted(p for p in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")] if p.name not in ELSEWHERE)
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def measured(name: str) -> Any:
    """A file of docs/measured, its objects as namespaces."""
    return json.loads((MEASURED / f"{name}.json").read_text(), object_hook=lambda pairs: SimpleNamespace(**pairs))


def longest(accepts: Callable[[str], bool]) -> int:
    """How many letters a text may have."""
    return next(size for size in range(1, 5000) if not accepts("a" * (size + 1)))


def legal_by(check: Callable[[str], Any]) -> Callable[[str], bool]:
    def accepts(name: str) -> bool:
        try:
            check(name)
        except errors.NameRefused:
            return False
        return True

    return accepts


def skill(**fields: str) -> bool:
    """Are these fields of a SKILL.md within the rules?"""
    whole = {"name": "a", "description": "d"} | fields
    text = "---\n" + "".join(f"{key}: {value}\n" for key, value in whole.items()) + "---\n"
    return not [flaw for flaw in skills.flaws(whole["name"], text) if flaw[0] == "error"]


def number_in(path: str, before: str) -> str:
    """What stands in a file of the project behind these words."""
    return (ROOT / path).read_text().partition(before)[2].split()[0].rstrip(",")


class Written(string.Formatter):
    """`{expression}` or `{expression:spec}`; beside Python's specs there are `word`, `Word` and `MiB`."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        return eval(field_name, dict(kwargs)), field_name  # the expressions are those below

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec in ("word", "Word"):
            word = WORDS[value]
            return word.title() if format_spec == "Word" else word
        if format_spec == "MiB":
            return f"{value / (1 << 20):g} MiB"
        return format(value, format_spec or ("g" if isinstance(value, float) else ""))


def owners() -> dict[str, Any]:
    """What the expressions may name."""
    chart, sandbox = measured("compare"), measured("sandbox").median_ms
    return {
        **{section: getattr(POLICY, section) for section in POLICY.as_dict()},
        "errors": errors,
        "stages": len(gate.STAGES),
        "house": number_in("tests/house/test_house.py", "MOST_LINES = "),
        "starter": sum(1 for _ in (ROOT / "generated").glob("*/plugin.json")),
        "artifact_name": longest(legal_by(names.check_artifact_name)),
        "tool_name": longest(legal_by(lambda name: names.check_tool_name("a", name, 1000))),
        "entry_name": longest(legal_by(names.check_entry_name)),
        "skill_name": longest(lambda text: skill(name=text)),
        "skill_description": longest(lambda text: skill(description=text)),
        "skill_compatibility": longest(lambda text: skill(compatibility=text)),
        "skills": skills,
        "tolerance": Expect.model_fields["tolerance"].default,
        "digits": pruning._LEAST_DIGITS,
        "groups": bootstrap._FEWEST,
        "prometheus": re.search(r"version=([\d.]+)", CONTENT_TYPE)[1],
        "comb": math.comb,
        "math": math,
        "chart": chart,
        "ratio": chart.comparison.contrasts[0].estimate,
        "added": lambda tier: [getattr(tiers, tier) - tiers.bare for tiers in vars(sandbox).values()],
        "span": lambda values: " to ".join(dict.fromkeys(f"{value:.0f}" for value in (min(values), max(values)))),
        "soak": measured("soak"),
        "soak_deadline": number_in("benchmarks/soak_front.py", '"timeouts.call": '),
        "drift": lambda pairs: ", ".join(f"{first} to {last}" for first, last in pairs),
        "megabytes": lambda pairs: ", ".join(f"{first / 1024:.0f} to {last / 1024:.0f} MB" for first, last in pairs),
    }


POLICY = Policy()
CLAIMS: dict[str, list[str]] = {
    "README.md": [
        "ratio {ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]](docs/img/compare.svg)",
        "{len(chart.design.tasks):Word} C kernels that the harness was not built on, {chart.design.trials:word} pairs",
        "has {starter:word} ready tools",
        "judges the copy in {stages:word} stages",
        "{qualify.repairs:Word} repairs, then quarantine",
    ],
    "architecture.md": ["an open circuit after {mounts.circuit_failures:word}"],
    "artifacts.md": [
        "Names are 1 to {artifact_name} of `a-z`",
        "has to stay within {limits.callable_chars} characters",
        "handshake is done | {qualify.start} s |",
        "one call | {qualify.call} s |",
        "lower policy's bound | {isolation.memory_mb} |",
        "above {limits.result_chars:,} characters clients cut | {qualify.output_bytes:MiB} |",
        "for numbers; 1e{round(math.log10(tolerance))} |",
        "{stages:Word} stages, in a sandbox",
    ],
    "cli.md": [
        "policy's http.port ({http.port})",
        "this one (else {dashboard.port}",
        "exit code {errors.EXIT_REJECTED}, the findings",
        "Exit code {errors.EXIT_OK} when nothing has failed, else {errors.StateError.exit_code}.",
        "Exit code {errors.EXIT_OK}: solved, or improved with --optimize; {errors.EXIT_NOT_IMPROVED}: neither.",
        "at most ({loop.iterations})",
        "of an attempt ({loop.attempt / 60:.0f}m)",
        "repairs included ({loop.build / 60:.0f}m)",
        "score command ({loop.score / 60:.0f}m)",
        "{errors.EXIT_OK} better, {errors.EXIT_WORSE} worse, {errors.EXIT_NO_EVIDENCE} no evidence or underpowered.",
        "worth having ({compare.worthwhile}: {compare.worthwhile * 100:.0f} %)",
        "in every arm ({compare.attempt / 60:.0f}m)",
        "the error allowed ({compare.alpha})",
        "the power wanted ({compare.power})",
    ],
    "clients.md": [
        "(up to {entry_name} characters)",
        '"timeout": {int(agents.tool_call * 1000)}',
        "startup_timeout_sec = {agents.tool_start}",
        "tool_timeout_sec = {agents.tool_call}",
    ],
    "contributing.md": ["at most {house} lines"],
    "findings.md": ["Use up to {tool_name} of"],
    "formats.md": [
        "Exit code {errors.EXIT_OK} when all is well, {errors.EXIT_REJECTED} when something was rejected or refused, "
        "{errors.NotFoundError.exit_code} when there is nothing",
        "`name` (1-{skill_name} of a-z, 0-9",
        "`description` (1-{skill_description} characters), `compatibility` (up to {skill_compatibility}), at most "
        "{skills.MOST_FILES} files and {skills.MOST_BYTES:MiB}.",
        "sessions ({lifecycle.stale_sessions}) which",
        "the first {digits} digits or more",
        "`lifecycle.keep_versions` ({lifecycle.keep_versions}) beside",
    ],
    "reliability.md": [
        "an open circuit after {mounts.circuit_failures:word} deaths in a row",
        "in the last {telemetry.flush} s, or {telemetry.flush_busy} s while many come",
        "--minutes {soak.minutes:.0f} --json",
        "{int(soak.minutes):Word} minutes of it, seed {soak.seed}, {soak.clients:word} clients",
        "forwarded calls | {soak.requests:,}, {soak.calls:,} |",
        "rows on record | {soak.rows:,} |",
        "missing, double, or to nothing | {len(soak.faults)} |",
        "cancelled calls | {soak.cancelled:,} |",
        "answered with an error | {soak.damaged_frames:,} |",
        "killed at random | {soak.kills:,} |",
        "(deadline {soak_deadline} s, a restart among it) | {soak.longest_wait_s} s |",
        "at the end | {megabytes(soak.memory_kb)} |",
        "likewise | {drift(soak.descriptors)} |",
        "children left | {len(soak.faults)} |",
    ],
    "run.md": [
        "`--iterations {loop.iterations}`",
        "at least five in one artifact",
        "| {errors.EXIT_OK} | solved, or improved",
        "| {errors.EXIT_NOT_IMPROVED} | neither |",
        "| {errors.HarnessGymError.exit_code} to {errors.UpstreamError.exit_code} | an error",
    ],
    "security.md": [
        "`bubblewrap`, user namespaces | {span(added('A'))} ms |",
        "works in most containers | {span(added('B'))} ms |",
        "**no containment** | nothing | {span(added('D'))} ms |",
    ],
    "statistics.md": [
        *(f"| {row.design} | {row.alpha} | {row.wrong:.3f}" for row in measured("rehearsals").no_effect),
        *(
            f"| {row.tasks} x {row.pairs} | {row.beyond:.3f} | {row.these:.3f} |"
            for row in measured("rehearsals").coverage
        ),
        "(1000 each; 4000 for alpha 0.1)",
        "breaks the claim | {errors.EXIT_OK} |",
        "in the bad direction | {errors.EXIT_WORSE} |",
        "enough to find one | {errors.EXIT_NO_EVIDENCE} |",
        "is not finished | {errors.EXIT_NO_EVIDENCE} |",
        "Below {compare.least_pairs} pairs ({compare.least_per_group} trials of each arm if unpaired)",
        "at alpha {compare.alpha} not even",
        "(2/2^{compare.least_pairs - 1} = {2 / 2 ** (compare.least_pairs - 1)}, 2/C({2 * compare.least_per_group - 2},"
        "{compare.least_per_group - 1}) = {2 / comb(2 * compare.least_per_group - 2, compare.least_per_group - 1)})",
        "worth having ({compare.worthwhile}: {compare.worthwhile * 100:.0f} % for ratios",
        "up to {compare.exact_most} values; above that, {compare.draws:,} seeded draws",
        "below {groups:word} tasks it gives no bounds",
    ],
    "telemetry.md": [
        "within {telemetry.flush} s of its end, or {telemetry.flush_busy} s while many calls come",
        "or after {telemetry.delay} s while they are few",
        "text format, version {prometheus}",
        "--port {dashboard.port}",
        "127.0.0.1:{dashboard.port}",
    ],
    "tutorial.md": ["the exit code would be {errors.EXIT_REJECTED}"],
}

SAID = (  # numbers that no code of ours owns
    r"^\d+\. |^#+ \d+\. |^#+ \d+\.\d+\.\d+$",  # the places of items, sections and releases
    r"\b(Python|Linux|Debian|Code|Codex|Plugins|PEP|SEP|UTF|SHA|Apache|Schema|before|version)[ -][\d.-]+\w*",
    r"`[^`\n]*`",  # code: what it says is checked where the code is
    r"\(2025-03-26\)|Linux 5\.13 \(6\.12|\(0\.3; 0\.4 with",  # of MCP, of kernels, of bundles
    r"exits? (?:with )?0|exit code is not 0|version of this format: 1 \| 1|version 1 only|The 60-second demo",
    r"Five principles|at most a hundred|error -32601|in ten minutes",
    r"\((1000|800) (each|simulations)|4000 for alpha 0\.1|95 %|15 %|can spend 0\.031",
    r"at 200 comparisons|at 400 requests",
)


def prose(text: str) -> str:
    """The document without blocks of code, its lines kept."""
    text = re.sub(r"(?ms)^```.*?^```$", lambda block: "\n" * block[0].count("\n"), text)
    return re.sub(r"(?m)^ {4,}.*$", "", text)


NUMBER = re.compile(rf"(?i)(?<![\w.])\d[\d,.]*\b|\b({'|'.join(WORDS[5:])})\b")  # the words below five are speech


def claimed(name: str) -> list[str]:
    return [Written().vformat(claim, (), owners()) for claim in CLAIMS.get(name, ())]


@pytest.mark.parametrize("name", CLAIMS)
def test_what_a_document_says_of_a_number_is_so(name):
    path = ROOT / ("" if name == "README.md" else "docs") / name
    text = " ".join(path.read_text().split())
    assert [claim for claim in claimed(name) if " ".join(claim.split()) not in text] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_no_number_in_a_document_is_without_an_owner(path):
    text = prose(path.read_text())
    pieces = [r"\s+".join(map(re.escape, claim.split())) for claim in claimed(path.name)]
    spans = [hit.span() for piece in (*pieces, *SAID) for hit in re.finditer(piece, text, re.MULTILINE)]
    loose = [
        text[max(0, hit.start() - 30) : hit.end() + 30].replace("\n", " ")
        for hit in NUMBER.finditer(text)
        if not any(start <= hit.start() and hit.end() <= end for start, end in spans)
    ]
    assert loose == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_setting_that_a_document_names_exists(path):
    sections = "|".join(POLICY.as_dict())
    named = re.findall(rf"`(?:--set )?((?:{sections})\.[a-z_]+)\b", path.read_text())
    manifest = {f"limits.{field}" for field in LimitsModel.model_fields}
    findings = set(re.findall(r"(?m)^\| `([a-z.-]+)` \|", (ROOT / "docs" / "findings.md").read_text()))
    assert set(named) - set(settings()) - manifest - findings == set()


def test_the_server_counts_as_many_stages_as_there_are():
    assert len(gate.STAGES) == submit.STAGES


def test_the_chart_is_drawn_from_the_measured_report():
    report = decode((MEASURED / "compare.json").read_bytes())
    drawn = standalone(next(chart for chart in charts(report) if chart.key == "effects"))
    assert drawn == (ROOT / "docs" / "img" / "compare.svg").read_text()


def test_a_build_that_goes_deep_is_asked_for_as_many_tools_as_the_document_says():
    assert "at least five tools" in prompts._DEEP
    assert "at least five in one artifact" in (ROOT / "docs" / "run.md").read_text()
