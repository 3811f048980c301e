"""What each function of library.py is, exactly: slow, with hundreds of digits, and never wrong beyond the last place.

`reference.py FILE` reads {"case": [numbers], ...} and prints, for each function, its value for each case within the
function's domain; `reference.py FILE library` prints library.py's values for the same (text where one is no number).
"""

import json
import sys
from collections.abc import Callable
from decimal import Decimal, localcontext
from pathlib import Path

DIGITS = 900


def total(xs: list[Decimal]) -> Decimal:
    """The sum."""
    return sum(xs, Decimal(0))


def norm(xs: list[Decimal]) -> Decimal:
    """The square root of the sum of squares."""
    return sum((x * x for x in xs), Decimal(0)).sqrt()


def variance(xs: list[Decimal]) -> Decimal:
    """The mean squared distance from the mean."""
    mean = sum(xs) / len(xs)
    return sum((x - mean) ** 2 for x in xs) / len(xs)


def log_sum_exp(xs: list[Decimal]) -> Decimal:
    """The logarithm of the sum of exponentials."""
    return max(xs) + _shares(xs).ln()


def softmax_peak(xs: list[Decimal]) -> Decimal:
    """The largest of the exponentials, as a share of their sum."""
    return 1 / _shares(xs)


def mean_step(xs: list[Decimal]) -> Decimal:
    """The mean difference between a number and the one before; 0 of a single number."""
    return (xs[-1] - xs[0]) / max(len(xs) - 1, 1)


def _shares(xs: list[Decimal]) -> Decimal:
    """Sixty digits are enough here: nothing is taken from anything."""
    with localcontext() as context:
        context.prec = 60
        return sum((x - max(xs)).exp() for x in xs)


FUNCTIONS: dict[str, tuple[Callable[[list[Decimal]], Decimal], float]] = {
    "total": (total, 1e300),
    "norm": (norm, 1e300),
    "variance": (variance, 1e140),
    "log_sum_exp": (log_sum_exp, 1e5),
    "softmax_peak": (softmax_peak, 1e5),
    "mean_step": (mean_step, 1e300),
}
"""Name -> (the function, the greatest magnitude in its domain). A list holds at least one number."""


def exact(name: str, xs: list[float]) -> float:
    """The value, rounded once."""
    with localcontext() as context:
        context.prec = DIGITS
        return float(FUNCTIONS[name][0]([Decimal(x) for x in xs]))


def suits(name: str, xs: list[float]) -> bool:
    return bool(xs) and all(abs(x) <= FUNCTIONS[name][1] for x in xs)


def main() -> None:
    cases = json.loads(Path(sys.argv[1]).read_text())
    chosen = {f"{name}/{case}": (name, xs) for name in FUNCTIONS for case, xs in cases.items() if suits(name, xs)}
    own = sys.argv[2:] == ["library"]
    print(json.dumps({key: _library(*found) if own else exact(*found) for key, found in chosen.items()}))


def _library(name: str, xs: list[float]) -> float | str:
    import library

    try:
        return float(getattr(library, name)(xs))
    except (ArithmeticError, ValueError, TypeError):
        return "nan"


if __name__ == "__main__":
    main()
