"""The leakage audit finds answers, final cases and task names in a bundle, and little else."""

import pytest

from harnessgym_mcp.core.leakage import Leak, Needle, scan

ANSWER = '{"tile": {"m": 64, "n": 32}, "unroll": 4, "order": "kij"}'


@pytest.mark.parametrize(
    "text",
    [
        'BEST = {"tile": {"m": 64, "n": 32}, "unroll": 4, "order": "kij"}\n',
        "best = {'tile': {'m': 64,\n  'n': 32}, 'unroll': 4, 'order': 'kij'}",
        "order: kij\nunroll: 4\nm: 64\nn: 32\n",
        "run(m=64, n=32, unroll=4, order='kij')",
    ],
)
def test_a_winning_configuration_is_found_in_any_notation_and_order(text: str) -> None:
    (leak,) = scan({"server.py": text}, [Needle(kind="answer", text=ANSWER, whose="best harnessed trial")])
    assert leak.breaks
    assert leak.where.startswith("server.py:1")
    assert "best harnessed trial" in leak.what


@pytest.mark.parametrize(
    "text", ["m=64 n=32 unroll=8 order=kij", "m: 640\nn: 32\nunroll: 4\norder: kij", "tile unroll order", ""]
)
def test_part_of_an_answer_is_not_the_answer(text: str) -> None:
    assert scan({"server.py": text}, [Needle(kind="answer", text=ANSWER)]) == []


def test_a_leak_is_reported_where_it_begins() -> None:
    (leak,) = scan({"a/b.md": "one\ntwo\nThe Blocked-MatMul task\n"}, [Needle(kind="task", text="blocked_matmul")])
    assert (leak.where, leak.breaks) == ("a/b.md:3", False)


def test_a_name_inside_a_longer_word_is_not_the_name() -> None:
    assert (
        scan({"a": "reconvolution"}, [Needle(kind="task", text="conv2d"), Needle(kind="task", text="volution")]) == []
    )


def test_a_final_case_is_found() -> None:
    (leak,) = scan({"t.json": "[[3, 1, 4, 1, 5, 9, 2, 6]]"}, [Needle(kind="final_case", text="[3,1,4,1,5,9,2,6]")])
    assert leak.kind == "final_case"
    assert leak.breaks


@pytest.mark.parametrize("text", ["42", "x", "", "{}", '"', "   "])
def test_needles_too_short_to_mean_anything_are_passed_over(text: str) -> None:
    for kind in ("answer", "final_case", "task"):
        assert scan({"a": "x 42 {} \" ' "}, [Needle(kind=kind, text=text)]) == []


def test_hostile_paths_and_patterns_do_no_harm() -> None:
    (leak,) = scan({"\x1b[31mred\n": "f(a+b)*[x"}, [Needle(kind="answer", text="f(a+b)*[x")])
    assert "\x1b" not in leak.where
    assert isinstance(leak, Leak)
