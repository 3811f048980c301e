"""Numbers and verdicts in words, the same on every face of a report."""

from harnessgym_mcp.core.comparison import Contrast, Estimate, Judgement
from harnessgym_mcp.core.stats.exact import PValue
from harnessgym_mcp.core.trials import Arm, Design

__all__ = [
    "ARM_NAMES",
    "bounds",
    "capital",
    "change",
    "dollars",
    "duration",
    "effect",
    "headline",
    "level_of",
    "needs",
    "number",
    "percent",
    "probability",
    "summary",
    "tally",
]

ARM_NAMES: dict[Arm, str] = {"plain": "plain", "harnessed": "harnessed", "notes": "notes only", "aa": "A/A"}

_NONE = "–"


def number(value: float | None) -> str:
    """Four significant digits, thousands apart; a dash for nothing."""
    if value is None:
        return _NONE
    if value and not 1e-4 <= abs(value) < 1e9:
        return f"{value:.3e}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def percent(share: float | None, digits: int = 0) -> str:
    return _NONE if share is None else f"{share * 100:.{digits}f}%"


def dollars(value: float | None) -> str:
    return _NONE if value is None else f"${value:,.2f}" if value >= 0.1 or not value else f"${value:.4f}"


def duration(seconds: float | None) -> str:
    """`0.42 s`, `12.3 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds is None:
        return _NONE
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (0 if hours else rest, "s")]
    return " ".join(f"{n} {unit}" for n, unit in parts if n)


def probability(test: PValue | None) -> str:
    if test is None:
        return _NONE
    return f"{test.p:.4f}" if test.p >= 0.0001 else f"{test.p:.1e}"


def effect(estimate: Estimate | None) -> str:
    """The estimate and its bounds, short: `0.817 [0.790, 0.845]`, `+12 points [+3, +21]`."""
    if estimate is None:
        return _NONE
    unit = " points" if estimate.scale == "pass" else ""
    return f"{level_of(estimate, estimate.value)}{unit} {bounds(estimate)}"


def bounds(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return "[no interval]"
    return f"[{level_of(estimate, estimate.low)}, {level_of(estimate, estimate.high)}]"


def level_of(estimate: Estimate, value: float) -> str:
    """A value on the estimate's scale: differences with their sign, those of rates in points."""
    if estimate.scale == "ratio":
        return f"{value:.3f}" if 0.01 <= value < 100 else number(value)
    sign = "+" if value > 0 else ""
    return sign + (f"{value * 100:.3g}" if estimate.scale == "pass" else number(value))


def change(estimate: Estimate, metric: str) -> str:
    """What the estimate says of the metric: `score 18.3% lower`, `12 points more trials solved`."""
    if estimate.scale == "pass":
        points = estimate.value * 100
        return f"{abs(points):.3g} points {'more' if points >= 0 else 'fewer'} trials solved"
    gain = estimate.value - 1 if estimate.scale == "ratio" else estimate.value
    if not gain:
        return f"{metric} the same"
    size = f"{abs(gain) * 100:.3g}%" if estimate.scale == "ratio" else number(abs(gain))
    return f"{metric} {size} {'higher' if gain > 0 else 'lower'}"


def headline(judgement: Judgement) -> str:
    """The verdict's word, with what it needs."""
    return judgement.word + (f" ({needs(judgement)})" if judgement.word == "underpowered" else "")


def needs(judgement: Judgement) -> str:
    if judgement.needs is None:
        return "no affordable number of trials would do"
    return f"needs n of about {judgement.needs:,}"


def summary(design: Design, contrast: Contrast) -> str:
    """The whole finding of a contrast in one sentence, its interval included."""
    sides = f"{capital(ARM_NAMES[contrast.arm])} against {ARM_NAMES[contrast.reference]}"
    if contrast.estimate is None or contrast.test is None:
        return f"{sides}: nothing could be compared ({contrast.judgement.reason})."
    kind = {"ratio": "ratio", "difference": "difference", "pass": "difference of rates"}[contrast.estimate.scale]
    level = percent(contrast.estimate.level)
    size = f"{contrast.n} pairs: {tally(design, contrast)}" if design.paired else f"{contrast.n} trials of each arm"
    shown = f"{change(contrast.estimate, design.metric)} ({kind} {effect(contrast.estimate)}, {level} interval)"
    return f"{sides}: {shown}; p = {probability(contrast.test)} ({contrast.test.method}); {size}."


def capital(words: str) -> str:
    """The same words, fit to begin a sentence."""
    return words[:1].upper() + words[1:]


def tally(design: Design, contrast: Contrast) -> str:
    """`6 won, 0 tied, 2 lost`; a dash where nothing is paired."""
    if not design.paired:
        return _NONE
    return f"{contrast.wins} won, {contrast.ties} tied, {contrast.losses} lost"
