"""What a comparison found: the shapes that analysis fills and every report shows. No computation."""

from typing import Final, Literal

import msgspec

from harnessgym_mcp.core.judging import Judged
from harnessgym_mcp.core.leakage import Leak
from harnessgym_mcp.core.stats.exact import PValue
from harnessgym_mcp.core.trials import Arm, Scale
from harnessgym_mcp.errors import EXIT_NO_EVIDENCE, EXIT_OK, EXIT_WORSE

__all__ = [
    "ArmSummary",
    "BreakEven",
    "Caution",
    "Comparison",
    "Contrast",
    "Curve",
    "Estimate",
    "Judgement",
    "Pair",
    "TaskArm",
    "TaskEffect",
    "ToolUse",
    "UseSplit",
    "Word",
]

Word = Literal["better", "worse", "no evidence", "underpowered"]

_EXIT_CODES: Final[dict[Word, int]] = {
    "better": EXIT_OK,
    "worse": EXIT_WORSE,
    "no evidence": EXIT_NO_EVIDENCE,
    "underpowered": EXIT_NO_EVIDENCE,
}


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """An arm against its reference, as measured (not turned so that up is good): a `ratio` arm / reference of
    geometric means, or a `difference` arm - reference of means, or of rates of success (`pass`).

    `low` and `high` bound it at confidence `level`; None where the data give no bounds. `method` says how.
    """

    scale: Scale
    value: float
    low: float | None
    high: float | None
    level: float
    method: str


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict. `needs` is the number of trials of each task and arm that would have been enough, about.

    `descriptive`: too few trials for any verdict. `withheld`: the numbers say better, but a caution breaks it.
    """

    word: Word
    reason: str
    needs: int | None = None
    descriptive: bool = False
    withheld: bool = False


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One repetition of one task in both arms; values as they count, failures imputed (None: nobody ever scored)."""

    task: str
    repetition: int
    reference: float | None
    value: float | None
    outcome: Literal["win", "tie", "loss"]
    imputed: bool = False


class TaskEffect(msgspec.Struct, frozen=True, kw_only=True):
    """One task's part in a contrast. `p_holm` is adjusted over the contrast's tasks; `harmed`: worse by that p."""

    task: str
    headline: bool
    pairs: int
    estimate: Estimate
    test: PValue
    p_holm: float
    wins: int
    ties: int
    losses: int
    harmed: bool


class Contrast(msgspec.Struct, frozen=True, kw_only=True):
    """One arm against a reference over the headline tasks.

    `estimate` is for these very tasks, `beyond` for tasks like these (hierarchical bootstrap; several tasks only).
    `dropped` counts repetitions left out because infrastructure lost one side. `pairs` lists all tasks' pairs.
    """

    arm: Arm
    reference: Arm
    primary: bool
    n: int
    dropped: int
    estimate: Estimate | None
    beyond: Estimate | None
    test: PValue | None
    wins: int
    ties: int
    losses: int
    judgement: Judgement
    tasks: list[TaskEffect]
    pairs: list[Pair]


class ArmSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One arm over all tasks. `failures` maps causes to counts. `solved_low` and `solved_high` are Clopper-Pearson
    bounds of the rate of solved trials. `pass_at` and `pass_all` map k to pass@k and pass^k, averaged over tasks.
    Sums are over the trials that told; `told_dollars` and `told_tokens` say how many did."""

    arm: Arm
    started: int
    lost: int
    valid: int
    solved: int
    solved_low: float | None
    solved_high: float | None
    pass_at: dict[str, float]
    pass_all: dict[str, float]
    failures: dict[str, int]
    seconds: float
    median_seconds: float | None
    tokens: int
    told_tokens: int
    dollars: float
    told_dollars: int
    turns: int
    calls: int
    used: int


class TaskArm(msgspec.Struct, frozen=True, kw_only=True):
    """The valid scores of one arm at one task."""

    task: str
    arm: Arm
    scores: list[float]
    median: float | None
    geometric_mean: float | None
    low: float | None
    high: float | None


class ToolUse(msgspec.Struct, frozen=True, kw_only=True):
    """One harness tool in one arm. Times: `p50_ms` and `p95_ms` of a call; `first` is the median over trials of
    the seconds to its first call. `followed` is the share of successful calls that an edit followed, where known."""

    arm: Arm
    tool: str
    trials: int
    calls: int
    statuses: dict[str, int]
    errors: float
    p50_ms: float | None
    p95_ms: float | None
    first: float | None
    followed: float | None


class UseSplit(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs of the primary contrast whose harnessed trial did use a tool, and those whose did not. Secondary: use
    was the agent's choice, not the draw's."""

    used: int
    unused: int
    used_estimate: Estimate | None
    unused_estimate: Estimate | None


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Share of an arm's trials that had reached the threshold: steps of (seconds, share)."""

    arm: Arm
    steps: list[tuple[float, float]]
    median: float | None


class BreakEven(msgspec.Struct, frozen=True, kw_only=True):
    """When building the harness has paid for itself, in one unit; `runs` is None where nothing is saved."""

    unit: Literal["seconds", "tokens", "dollars"]
    generation: float
    plain: float
    harnessed: float
    runs: int | None


class Caution(msgspec.Struct, frozen=True, kw_only=True):
    """Something a reader must know. `breaks` withholds the word better, `weakens` and `note` do not."""

    id: str
    severity: Literal["breaks", "weakens", "note"]
    what: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found; `contrasts[0]` is the primary one and its judgement is the comparison's.

    `audited` says whether the bundle was searched for leaks at all.
    """

    planned: int
    finished: int
    contrasts: list[Contrast]
    arms: list[ArmSummary]
    task_arms: list[TaskArm]
    tools: list[ToolUse]
    split: UseSplit | None
    curves: list[Curve]
    break_even: list[BreakEven]
    cautions: list[Caution]
    audited: bool
    leaks: list[Leak]
    trials: list[Judged]

    @property
    def judgement(self) -> Judgement:
        return self.contrasts[0].judgement

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES[self.judgement.word]
