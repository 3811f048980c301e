"""How many trials would find an effect of this size? Ask before anything is spent.

The effect is in the comparison's scale: a share for ratios (0.05 is 5 %), the metric's unit for differences, points of
rate for pass and fail. The spread is that of what is compared: of a pair's log ratio or difference, or of a group's
log scores or scores. For pass and fail in pairs it is the share of pairs that differ.
"""

import argparse
from typing import TYPE_CHECKING

from harnessgym_mcp.cli.output import Output

if TYPE_CHECKING:
    from harnessgym_mcp.core.policy import Compare

__all__ = ["EXAMPLES", "HELP", "configure", "run"]

HELP = "how many trials would find an effect of this size"

EXAMPLES = """
  harnessgym power --effect 0.05 --sd 0.1               5 %, where pairs' log ratios spread by 0.1
  harnessgym power --effect 2 --sd 3 --scale difference
  harnessgym power --effect 0.2 --discord 0.4 --scale pass
  harnessgym power --effect 0.05 --sd 0.1 --trials 8    the power that 8 have
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--effect", type=float, required=True, metavar="X", help="the smallest effect worth having")
    parser.add_argument("--sd", type=float, metavar="Y", help="standard deviation of what is compared")
    parser.add_argument("--scale", choices=("ratio", "difference", "pass"), default="ratio", help="(ratio)")
    parser.add_argument("--discord", type=float, metavar="P", help="pass, paired: the share of pairs that differ")
    parser.add_argument("--rate", type=float, metavar="P", help="pass, unpaired: the rate of success without harness")
    parser.add_argument("--unpaired", action="store_true", help="two groups in place of pairs")
    parser.add_argument("--alpha", type=float, metavar="P", help="the error allowed (0.05)")
    parser.add_argument("--power", type=float, metavar="P", help="the power wanted (0.8)")
    parser.add_argument("--trials", type=int, metavar="N", help="tell the power of this many as well")


def run(arguments: argparse.Namespace, output: Output) -> int:
    from harnessgym_mcp.core.policy import Compare

    rules = Compare()
    alpha = rules.alpha if arguments.alpha is None else arguments.alpha
    power = rules.power if arguments.power is None else arguments.power
    _check(arguments, alpha, power)
    effect = _effect(arguments)
    needs = _needs(arguments, effect, alpha, power)
    needs = None if needs is None else max(needs, _least(arguments, rules))
    reached = _reached(arguments, effect, alpha)
    unit = "trials of each arm" if arguments.unpaired else "pairs"
    body = {"needs": needs, "unit": unit, "alpha": alpha, "power": power, "effect": arguments.effect}
    body |= {} if reached is None else {"trials": arguments.trials, "reached": reached}
    text = "no number of trials that anyone can run" if needs is None else f"{needs} {unit}, all tasks together"
    more = "" if reached is None else f"{arguments.trials} {unit} find it with power {reached:.2f}"
    output.result("power", body, f"{text} (alpha {alpha:g}, power {power:g})", more)
    return 0


def _check(arguments: argparse.Namespace, alpha: float, power: float) -> None:
    import math

    from harnessgym_mcp.core.trials import LEAST_ALPHA
    from harnessgym_mcp.errors import UsageError

    rates = arguments.scale == "pass"
    spread = arguments.rate if rates and arguments.unpaired else arguments.discord if rates else arguments.sd
    name = "--rate" if rates and arguments.unpaired else "--discord" if rates else "--sd"
    top = 1.0 if rates else math.inf
    problems = [
        (not 0 < arguments.effect < top, "--effect is above 0" + (" and below 1" if rates else "")),
        (not LEAST_ALPHA <= alpha < 0.5, f"--alpha lies between {LEAST_ALPHA:g} and 0.5"),
        (not 0.5 <= power < 1, "--power lies between 0.5 and 1"),
        (spread is None, f"{name} is needed"),
        (spread is not None and not 0 <= spread <= top, f"{name} is 0 or more" + (" and at most 1" if rates else "")),
        (name == "--discord" and (spread or 0) < arguments.effect, "--discord is at least the effect"),
        (name == "--rate" and (spread or 0) + arguments.effect > 1, "--rate and --effect together are at most 1"),
        (arguments.trials is not None and arguments.trials < 2, "--trials is 2 or more"),
    ]
    problem = next((what for bad, what in problems if bad), None)
    if problem:
        raise UsageError(problem, hint="`harnessgym power --help` tells what each is")


def _effect(arguments: argparse.Namespace) -> float:
    import math

    return math.log1p(arguments.effect) if arguments.scale == "ratio" else float(arguments.effect)


def _needs(arguments: argparse.Namespace, effect: float, alpha: float, power: float) -> int | None:
    from harnessgym_mcp.core.stats.power import groups_needed, pairs_needed, rate_pairs_needed, rates_needed

    if arguments.scale != "pass":
        needed = groups_needed if arguments.unpaired else pairs_needed
        return needed(effect, arguments.sd, alpha=alpha, power=power)
    if arguments.unpaired:
        return rates_needed(arguments.rate, arguments.rate + effect, alpha=alpha, power=power)
    return rate_pairs_needed(effect, arguments.discord, alpha=alpha, power=power)


def _least(arguments: argparse.Namespace, rules: "Compare") -> int:
    """Fewer get no verdict, however clear."""
    return rules.least_per_group if arguments.unpaired else rules.least_pairs


def _reached(arguments: argparse.Namespace, effect: float, alpha: float) -> float | None:
    from harnessgym_mcp.core.stats.power import group_power, pair_power, rate_pair_power

    n = arguments.trials
    if n is None or (arguments.scale == "pass" and arguments.unpaired):
        return None
    if arguments.scale == "pass":
        return rate_pair_power(n, effect, arguments.discord, alpha)
    return (group_power if arguments.unpaired else pair_power)(n, effect, arguments.sd, alpha)
