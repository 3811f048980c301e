"""The measured figures as tables: for a terminal, and for the page of the documents."""

import textwrap
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

BEGIN, END = "<!-- overhead -->", "<!-- /overhead -->"
Row = dict[str, dict[str, Any]]


class Table(NamedTuple):
    """All cells are text; the first column is flush left, the others right."""

    title: str
    head: list[str]
    rows: list[list[str]]


def tables(result: dict[str, Any]) -> Iterator[Table]:
    """Of the parts that were measured, in the order of their names here."""
    parts: dict[str, Callable[[Any], Iterator[Table]]] = {
        "pinned": partial(_latency, where="all on one processor"),
        "latency": partial(_latency, where="where the system puts them"),
        "throughput": _throughput,
        "start": _start,
        "memory": _memory,
        "stalls": _stalls,
        "recording": _recording,
    }
    for name, written in parts.items():
        if name in result:
            yield from written(result[name])


def _latency(part: dict[str, Row], where: str) -> Iterator[Table]:
    head = ["", "p50", "p95", "p99", "added p50", "in one start", "added p99", "times direct"]
    for label, row in part.items():
        rows = [
            [
                arm,
                *(_number(f[key]) for key in ("p50", "p95", "p99", "added_p50")),
                f"{_number(f['between'][0])} to {_number(f['between'][1])}",
                _number(f["added_p99"]),
                f"{f['ratio']:.2f}",
            ]
            for arm, f in row.items()
        ]
        yield Table(f"One call at a time, {label}, {where}, microseconds", head, rows)


def _throughput(part: dict[str, dict[str, Row]]) -> Iterator[Table]:
    for mounts, by_number in part.items():
        arms = list(next(iter(by_number.values())))
        rows = [[arm, *(_rate(row[arm]) for row in by_number.values())] for arm in arms]
        head = ["", *(f"{at_once} at once" for at_once in by_number)]
        yield Table(f"Calls a second, {_mounts(int(mounts))}: median, best, share of direct", head, rows)


def _rate(figures: dict[str, Any]) -> str:
    return f"{figures['median']:,}, {figures['best']:,}, {figures['ratio']:.0%}"


def _start(part: list[dict[str, Any]]) -> Iterator[Table]:
    rows = [
        [f"{s['arm']}, {_mounts(s['mounts'])}", _number(s["initialize_ms"]), _number(s["tools_list_ms"])] for s in part
    ]
    yield Table("Start of the process to the answer, milliseconds", ["", "`initialize`", "`tools/list`"], rows)


def _memory(part: list[dict[str, Any]]) -> Iterator[Table]:
    keys = ("front_rss_mb", "front_pss_mb", "tree_rss_mb", "tree_pss_mb")
    head = ["", "front RSS", "front PSS", "all RSS", "all PSS", "processes"]
    rows = [
        [
            f"{w['arm']}, {_mounts(w['mounts'])}, {w['running'] or 'none'} running",
            *(_number(w[key]) for key in keys),
            str(w["processes"]),
        ]
        for w in part
    ]
    yield Table("Memory, MB", head, rows)


def _stalls(part: dict[str, Any]) -> Iterator[Table]:
    slow, large, kill = part["slow_call"], part["large_result"], part["kill"]
    keys = ("p50", "p95", "p99")
    rows = [[name, *(_number(slow[name][key]) for key in keys)] for name in ("idle", "busy")]
    title = f"Other mounts' calls while one call takes long, microseconds; p99 {slow['p99_ratio']:.2f} times idle"
    yield Table(title, ["", *keys], rows)
    rows = [[name, f"{f['gap_ms']:.1f}", f"{f['ratio']:.2f}"] for name, f in large.items()]
    head = ["", "longest gap, ms", "times direct, one pipe"]
    yield Table("A stream of small calls while a large result passes", head, rows)
    rows = [
        ["the call under way is answered", f"{kill['answered_ms']:.2f}", f"{kill['answered_worst_ms']:.2f}"],
        ["then the next call, by a new process", _number(kill["next_ms"]), _number(kill["next_worst_ms"])],
    ]
    yield Table(f"After SIGKILL of a server, milliseconds, {kill['kills']} times", ["", "median", "worst"], rows)


def _recording(part: Row) -> Iterator[Table]:
    for length, row in part.items():
        title = (
            f"What the record of calls takes, 32 at once in bursts of {int(length):,}: calls a second, and the front's "
            "processor time for each call, microseconds"
        )
        rows = [
            [arm, f"{f['median']:,}", f"{f['best']:,}", _share(f), f"{f['during']:.1f}", f"{f['after']:.1f}"]
            for arm, f in row.items()
        ]
        yield Table(title, ["", "median", "best", "share, 95 % interval", "during the burst", "after it"], rows)


def _share(figures: dict[str, Any]) -> str:
    between = figures.get("between")
    return f"{figures['ratio']:.1%}" + (f" ({between[0]:.1%} to {between[1]:.1%})" if between else "")


def _number(value: float) -> str:
    return f"{value:,.1f}" if abs(value) < 100 else f"{value:,.0f}"


def _mounts(count: int) -> str:
    return f"{count} mount" if count == 1 else f"{count} mounts"


def about(run: dict[str, Any]) -> str:
    """On what, how and beside what it was measured, in one sentence each."""
    others = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    begin, end = (" ".join(f"{value:.1f}" for value in run["load"][at]) for at in ("begin", "end"))
    quick = " **Tiny counts (`--quick`): these figures mean nothing.**" if run["quick"] else ""
    return textwrap.fill(
        f"{run['machine']}. Command: `python -m benchmarks.overhead --json{' --quick' if run['quick'] else ''} "
        f"--calls {run['calls']}`, {run['seconds']:.0f} s. Others: {others}. Load average (1, 5 and 15 minutes) at the "
        f"beginning {begin}, at the end {end}.{quick}",
        width=120,
        break_on_hyphens=False,
    )


def plain(result: dict[str, Any]) -> str:
    """For a terminal."""
    pieces = [about(result["run"])]
    for table in tables(result):
        lines = [table.head, *table.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        pieces.append("\n".join([table.title, *("  " + _aligned(line, widths) for line in lines)]))
    return "\n\n".join(pieces)


def _aligned(cells: Iterable[str], widths: list[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip()


def markdown(result: dict[str, Any]) -> str:
    pieces = [about(result["run"])]
    for table in tables(result):
        ruler = ["---", *["---:"] * (len(table.head) - 1)]
        lines = [f"| {' | '.join(cells)} |".replace("|  |", "| |", 1) for cells in (table.head, ruler, *table.rows)]
        pieces.append("\n".join([f"{table.title}:", "", *lines]))
    return "\n\n".join(pieces)


def rendered(page: str, result: dict[str, Any]) -> str:
    """The page with what is between its markers written anew. Raises ValueError where there are none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{markdown(result)}\n{END}{after}"


def write(page: Path, result: dict[str, Any], check: bool) -> bool:
    """Write the page, or only `check` that it would stay the same."""
    text = page.read_text()
    new = rendered(text, result)
    if not check:
        page.write_text(new)
    return not check or new == text
