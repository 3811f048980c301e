"""Measuring an effect: from values to an interval, a p-value and the number of trials it would take.

Effects are log ratios, differences, or 1, 0 and -1 for pass and fail; always arm against reference, as measured.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from harnessgym_mcp.core.comparison import Estimate
from harnessgym_mcp.core.policy import Compare
from harnessgym_mcp.core.stats.bootstrap import hierarchical
from harnessgym_mcp.core.stats.counts import fisher, mcnemar, paired_rate_difference, rate_difference
from harnessgym_mcp.core.stats.effects import Interval, mean, spread, stratified_t, welch_t
from harnessgym_mcp.core.stats.exact import PValue, permutation, sign_flip
from harnessgym_mcp.core.stats.power import groups_needed, pairs_needed, rate_pairs_needed, rates_needed
from harnessgym_mcp.core.trials import Design, Scale

__all__ = [
    "Measured",
    "Terms",
    "beyond",
    "effect",
    "estimate",
    "paired",
    "pairs_wanted",
    "terms_of",
    "trials_wanted",
    "unpaired",
]

_FARTHEST = 690.0  # exp of more is no float


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms that effects are in. `worthwhile` is the smallest worthwhile effect in them, `sign` 1 where more
    is better."""

    design: Design
    rules: Compare
    scale: Scale
    worthwhile: float
    sign: int


@dataclass(frozen=True, slots=True)
class Measured:
    """An effect with its test, from `n` pairs (or the smaller group)."""

    interval: Interval
    test: PValue
    method: str
    n: int


def terms_of(design: Design, rules: Compare, reference: Sequence[float], arm: Sequence[float]) -> Terms:
    """The design's terms; differences where it asks for ratios of values that are not all positive.

    Then a worthwhile share becomes that share of the reference's mean size.
    """
    sign = -1 if design.direction == "lower" and design.scale != "pass" else 1
    if design.scale != "ratio":
        return Terms(design, rules, design.scale, design.worthwhile, sign)
    if all(v > 0 for v in (*reference, *arm)):
        return Terms(design, rules, "ratio", math.log1p(design.worthwhile), sign)
    size = mean([abs(v) for v in reference]) if reference else 0.0
    return Terms(design, rules, "difference", design.worthwhile * size, sign)


def effect(terms: Terms, reference: float | None, value: float | None) -> float:
    """One pair's effect; 0 at a task that nobody ever scored at (both sides failed alike)."""
    if reference is None or value is None:
        return 0.0
    return math.log(value) - math.log(reference) if terms.scale == "ratio" else value - reference


def estimate(terms: Terms, interval: Interval, method: str) -> Estimate:
    """An interval of effects in words that a reader knows: log ratios become ratios."""
    shown = {"value": interval.value, "low": interval.low, "high": interval.high}
    if terms.scale == "ratio":
        shown = {k: None if v is None else math.exp(max(-_FARTHEST, min(v, _FARTHEST))) for k, v in shown.items()}
    return msgspec.convert({**shown, "scale": terms.scale, "level": terms.design.level, "method": method}, Estimate)


def paired(terms: Terms, groups: Sequence[Sequence[float]]) -> Measured:
    """Effects of pairs, grouped by task; every task counts alike. No group may be empty."""
    n = sum(map(len, groups))
    if terms.scale == "pass":
        wins, losses = _discord(groups)
        interval = paired_rate_difference(wins, losses, n, terms.design.level)
        return Measured(interval, mcnemar(wins, losses), "Bonett-Price interval of paired rates", n)
    kind = "log ratios" if terms.scale == "ratio" else "differences"
    interval = stratified_t(groups, terms.design.level)
    return Measured(interval, sign_flip(_weighted(groups), **_limits(terms)), f"t interval of paired {kind}", n)


def unpaired(terms: Terms, a: Sequence[float], b: Sequence[float]) -> Measured:
    """Values of two groups (1 and 0 for pass and fail), neither empty."""
    n = min(len(a), len(b))
    if terms.scale == "pass":
        counts = (round(sum(a)), len(a), round(sum(b)), len(b))
        interval = rate_difference(*counts, terms.design.level)
        return Measured(interval, fisher(*counts), "Agresti-Caffo interval of two rates", n)
    a, b = _terms_of_two(terms, a, b)
    kind = "log scores" if terms.scale == "ratio" else "scores"
    interval = welch_t(a, b, terms.design.level)
    return Measured(interval, permutation(a, b, **_limits(terms)), f"Welch t interval of {kind}", n)


def pairs_wanted(terms: Terms, groups: Sequence[Sequence[float]]) -> int | None:
    """Pairs, of all tasks together, that would find a worthwhile effect amid the spread seen; None: cannot be told."""
    if terms.scale == "pass":
        n = sum(map(len, groups))
        discord = min(1.0, max((sum(_discord(groups)) + 1) / (n + 2), terms.worthwhile))
        return rate_pairs_needed(terms.worthwhile, discord, **_errors(terms))
    sd = _typical_spread(groups)
    return None if sd is None else pairs_needed(terms.worthwhile, sd, **_errors(terms))


def trials_wanted(terms: Terms, a: Sequence[float], b: Sequence[float]) -> int | None:
    """The same for two groups: the size of each."""
    if terms.scale == "pass":
        rate = sum(a) / len(a)
        return rates_needed(rate, min(1.0, rate + terms.worthwhile), **_errors(terms))
    sd = _typical_spread(_terms_of_two(terms, a, b))
    return None if sd is None else groups_needed(terms.worthwhile, sd, **_errors(terms))


def beyond(terms: Terms, groups: Sequence[Sequence[float]]) -> Estimate | None:
    """The effect for tasks like these; None for a single task."""
    if len(groups) < 2:
        return None
    design, draws = terms.design, terms.rules.bootstrap_draws
    if max(map(len, groups)) == 1:
        return estimate(terms, stratified_t(groups, design.level), "t interval over tasks")
    interval = hierarchical(groups, level=design.level, draws=draws, seed=design.seed)
    return estimate(terms, interval, "hierarchical bootstrap over tasks and trials")


def _discord(groups: Sequence[Sequence[float]]) -> tuple[int, int]:
    """Pairs that only the arm passed, and that only the reference did."""
    flat = [e for g in groups for e in g]
    return flat.count(1.0), flat.count(-1.0)


def _terms_of_two(terms: Terms, a: Sequence[float], b: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    return ([math.log(v) for v in a], [math.log(v) for v in b]) if terms.scale == "ratio" else (a, b)


def _errors(terms: Terms) -> dict[str, float]:
    return {"alpha": terms.design.alpha, "power": terms.design.power}


def _limits(terms: Terms) -> dict[str, int]:
    return {"most": terms.rules.exact_most, "draws": terms.rules.draws, "seed": terms.design.seed}


def _weighted(groups: Sequence[Sequence[float]]) -> list[float]:
    """Effects such that their plain mean is the mean of the tasks' means."""
    n = sum(map(len, groups))
    return [e * n / (len(groups) * len(g)) for g in groups for e in g]


def _typical_spread(groups: Sequence[Sequence[float]]) -> float | None:
    """Spread inside the groups, or between groups of one value each; None for a single value."""
    inside = [spread(g) ** 2 for g in groups if len(g) > 1]
    if inside:
        return math.sqrt(mean(inside))
    return spread([g[0] for g in groups]) if len(groups) > 1 else None
