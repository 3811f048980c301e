"""Several tests at once."""

from collections.abc import Sequence

__all__ = ["holm"]


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given: rejecting those <= alpha keeps the family's error at alpha."""
    adjusted = [0.0] * len(ps)
    highest = 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1.0, ps[i] * (len(ps) - rank)))
        adjusted[i] = highest
    return adjusted
