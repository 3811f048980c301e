"""numcheck: differences found and named, files read, inputs made."""

import json
import math
import struct
from fractions import Fraction

import anyio
import pytest

TYPES = {"float64": ("d", 11, 52), "float32": ("f", 8, 23), "float16": ("e", 5, 10)}


async def compare(bench, expected, actual, **more):
    async with bench.server("numcheck") as server:
        return (await server.call("compare", expected=expected, actual=actual, **more)).value


def npy(descr, shape, values, order=False, version=1):
    """The bytes of a .npy file, made by the format's own description."""
    header = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape!r}, }}".encode()
    header += b" " * (64 - (len(header) + 11) % 64) + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    codes = {"f8": "d", "f4": "f", "f2": "e", "i4": "i", "u1": "B", "c16": "d"}
    mark = ">" if descr[0] == ">" else "<"
    return (
        b"\x93NUMPY"
        + bytes([version, 0])
        + size
        + header
        + struct.pack(f"{mark}{len(values)}{codes[descr[1:]]}", *values)
    )


# ---- through the harness


async def test_one_unit_in_the_last_place_and_a_nan_are_found_in_files(harness, folder):
    place = harness.workspace / folder
    good = [0.1 * n for n in range(1000)]
    bad = list(good)
    bad[417] = math.nextafter(bad[417], math.inf)
    bad[9] = math.nan
    for name, values in (("good", good), ("bad", bad)):
        (place / f"{name}.npy").write_bytes(npy("<f8", (10, 100), values))
    async with harness.session() as call:
        found = (await call("numcheck__compare", expected=f"{folder}/good.npy", actual=f"{folder}/bad.npy")).value
    assert (found["verdict"], found["outside_tolerance"]) == ("mismatch", 2)
    assert found["worst"][0] == {"at": "[0,9]", "expected": good[9], "actual": "nan"}
    assert (found["worst"][1]["at"], found["worst"][1]["ulp"]) == ("[4,17]", 1)
    assert found["not_finite"] == {"expected": {}, "actual": {"nan": 1}}
    assert found["would_pass_with"] is None


async def test_the_workspace_is_there_to_be_read_only(harness, folder):
    (harness.workspace / folder / "a.json").write_text('{"run": {"loss": [1, 2, 4]}}')
    async with harness.session() as call:
        answer = await call("numcheck__summarize", data=f"{folder}/a.json#run.loss")
        assert answer.value["finite"]["median"] == 2
        missing = await call("numcheck__summarize", data=f"{folder}/b.json")
        assert "is no file of the workspace" in missing.complaint


# ---- what counts as equal


@pytest.mark.parametrize(
    ("tolerance", "verdict"),
    [
        ({}, "mismatch"),
        ({"ulp_tol": 1}, "mismatch"),
        ({"ulp_tol": 2}, "match"),
        ({"abs_tol": 4e-16}, "mismatch"),
        ({"abs_tol": 5e-16}, "match"),
        ({"rel_tol": 4e-16}, "mismatch"),
        ({"rel_tol": 5e-16}, "match"),
        ({"rel_tol": 3e-16, "abs_tol": 2e-16}, "match"),
    ],
)
async def test_an_element_passes_by_the_sum_of_both_tolerances_or_by_ulps(bench, tolerance, verdict):
    two_steps = 1 + 2 * 2.0**-52
    assert (await compare(bench, [1.0, 5.0], [two_steps, 5.0], **tolerance))["verdict"] == verdict


async def test_nan_equals_nan_unless_told_otherwise_and_infinities_keep_their_sign(bench):
    assert (await compare(bench, ["nan", "inf"], ["nan", "inf"]))["verdict"] == "match"
    assert (await compare(bench, ["nan"], ["nan"], nan_equal=False))["verdict"] == "mismatch"
    wrong = await compare(bench, ["inf", 1], ["-inf", "inf"], abs_tol=1e308, rel_tol=1, ulp_tol=10**9)
    assert wrong["outside_tolerance"] == 2


async def test_signed_zeros_are_equal_and_told(bench):
    found = await compare(bench, "0.0 -0.0 1", "-0.0 -0.0 1")
    assert (found["verdict"], found["signed_zeros_differ"]) == ("match", 1)


async def test_values_are_rounded_to_the_type_in_which_they_are_compared(bench):
    as_float32 = struct.unpack("f", struct.pack("f", 0.1))[0]
    assert (await compare(bench, [0.1], [as_float32]))["verdict"] == "mismatch"
    assert (await compare(bench, [0.1], [as_float32], dtype="float32"))["verdict"] == "match"


async def test_the_least_tolerances_that_are_named_do_pass(bench):
    sides = ([1.0, 3.0, 1e9], [1.001, 3.0000001, 1e9 + 3])
    needed = (await compare(bench, *sides))["would_pass_with"]
    for key, value in needed.items():
        assert (await compare(bench, *sides, **{key: value}))["verdict"] == "match", key
        smaller = value - 1 if key == "ulp_tol" else value * 0.999
        assert (await compare(bench, *sides, **{key: smaller}))["verdict"] == "mismatch", key


async def test_objects_are_compared_by_their_paths_in_whatever_order(bench):
    old = {"loss": 1.5, "grad": {"w": [1, 2], "b": 0}, "name": "run"}
    assert (await compare(bench, old, {"grad": {"b": 0, "w": [1, 2]}, "loss": 1.5}))["verdict"] == "match"
    found = await compare(bench, old, {"loss": 1.5, "grad": {"w": [1, 3]}, "extra": 7})
    assert found["problems"][:2] == ["missing: $.grad.b", "extra: $.extra"]
    assert found["worst"][0]["at"] == "$.grad.w[1]"


# ---- what a difference looks like


BASE = [math.sin(n) + 2 for n in range(64)]


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda v: v[32:] + v[:32], "same values in another order"),
        (lambda v: [*v[1:], 0.0], "expected[i+1]: off by one"),
        (lambda v: [0.0, *v[:-1]], "expected[i-1]: off by one"),
        (lambda v: v[::-1], "reverse order"),
        (lambda v: [2 * x for x in v], "2 times expected"),
        (lambda v: [x + 0.25 for x in v], "expected +0.25"),
        (lambda v: [*v[:-3], 0, 9, 9], "only the last 3 of 64 elements fail: look at the remainder loop"),
        (lambda v: [7, 8, *v[2:]], "only the first 2"),
        (lambda v: [x * 1.1 + n if n % 8 == 3 else x for n, x in enumerate(v)], "3 modulo 8"),
        (lambda v: [0 if n % 5 else x for n, x in enumerate(v)], "never written"),
        (lambda v: [-x if n in (3, 4, 9) else x for n, x in enumerate(v)], "the other sign"),
        (lambda v: [math.nan if n in (3, 4) else x for n, x in enumerate(v)], "NaN wherever it fails"),
        (lambda v: list(struct.unpack("64f", struct.pack("64f", *v))), "fits float32"),
    ],
)
async def test_the_pattern_of_a_difference_is_named(bench, change, hint):
    hints = (await compare(bench, BASE, ["nan" if x != x else x for x in change(BASE)]))["hints"]
    assert any(hint in said for said in hints), hints


async def test_a_transposed_matrix_a_wrong_row_and_flushed_denormals_are_named(bench):
    rows = [[r * 10 + c for c in range(4)] for r in range(4)]
    turned = [list(column) for column in zip(*rows, strict=True)]
    assert "transposed" in (await compare(bench, rows, turned))["hints"][0]
    oblong = await compare(bench, [[1, 2, 3], [4, 5, 6]], [[1, 4], [2, 5], [3, 6]])
    assert "the shapes differ" in oblong["problems"][0]
    assert "transposed" in oblong["hints"][0]
    wrong = [row if r != 2 else [x * x for x in row] for r, row in enumerate(rows)]
    assert any("row 2" in hint for hint in (await compare(bench, rows, wrong))["hints"])
    assert any("flush-to-zero" in hint for hint in (await compare(bench, [1, 1e-310], [1, 0]))["hints"])


async def test_equal_sides_get_no_hints(bench):
    assert (await compare(bench, BASE, BASE))["hints"] == []


# ---- files


@pytest.mark.parametrize(
    ("content", "shape", "median"),
    [
        (npy("<f8", (2, 3), [1, 2, 3, 4, 5, 6]), [2, 3], 3.5),
        (npy(">f4", (4,), [1, 2, 3, 10]), [4], 2.5),
        (npy("<f2", (1, 2), [0.5, 1.5], version=2), [1, 2], 1.0),
        (npy("<i4", (), [7]), [], 7),
        (npy("|u1", (3,), [255, 0, 1]), [3], 1),
        (npy("<c16", (2,), [1, 2, 3, 4]), [2, 2], 2.5),
    ],
)
async def test_numpy_files_of_each_kind_are_read(bench, content, shape, median):
    (bench.workspace / "x.npy").write_bytes(content)
    async with bench.server("numcheck") as server:
        found = (await server.call("summarize", data="x.npy")).value
    assert (found["shape"], found["finite"]["median"]) == (shape, median)


async def test_column_order_is_turned_into_row_order(bench):
    (bench.workspace / "f.npy").write_bytes(npy("<f8", (2, 3), [1, 4, 2, 5, 3, 6], order=True))
    assert (await compare(bench, [[1, 2, 3], [4, 5, 6]], "f.npy"))["verdict"] == "match"


async def test_other_forms_are_read_too(bench):
    (bench.workspace / "t.csv").write_text("step,loss,acc\n1,0.5,x\n2,0.25,y\n")
    (bench.workspace / "t.tsv").write_text("1\t2\n3\t4\n")
    assert (await compare(bench, [0.5, 0.25], "t.csv#loss"))["verdict"] == "match"
    assert (await compare(bench, [[1, 0.5], [2, 0.25]], "t.csv#0,1"))["verdict"] == "match"
    assert (await compare(bench, [[1, 2], [3, 4]], "t.tsv"))["verdict"] == "match"
    assert (await compare(bench, "# two numbers\n 0x1.8p1, -inf ;", [3, "-inf"]))["verdict"] == "match"
    assert (await compare(bench, '[[1, 2], [3, "nan"]]', [[1, 2], [3, "nan"]]))["verdict"] == "match"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.npy", b"\x93NUMPY\x01\x00\xff", "no .npy file"),
        ("x.npy", npy("<f8", (100,), [1, 2]), "cut off"),
        ("x.npy", npy("<f8", (1,), [1]).replace(b"<f8", b"|O "), "element type"),
        ("x.json", b"{", "not JSON"),
        ("x.json", b'{"a": "b"}', "no numbers"),
        ("x.csv", b"a,b\n1,two\n", "'two' in row 2"),
        ("x.txt", b"1 2 three", "'three' in row 1"),
    ],
)
async def test_a_broken_file_is_an_error_that_says_what_is_wrong(bench, name, content, words):
    (bench.workspace / name).write_bytes(content)
    async with bench.server("numcheck") as server:
        assert words in (await server.call("summarize", data=name)).complaint


# ---- floating-point formats, against another way to count


@pytest.mark.parametrize("dtype", TYPES)
async def test_ulps_are_counted_like_the_steps_between_the_values(bench, dtype):
    code, exponent, fraction = TYPES[dtype]
    bits = 1 + exponent + fraction

    def pattern(value: float) -> int:
        return struct.unpack(f"<{'HIQ'[bits // 32]}", struct.pack("<" + code, value))[0]

    async with bench.server("numcheck") as server:
        for a, b in ((1.0, 1.5), (2.0**-20, 2.0**-24), (3.0, 7.0), (0.0, 2.0**-24)):
            found = (await server.call("ulp_distance", a=a, b=b, dtype=dtype)).value
            assert found["ulps"] == abs(pattern(a) - pattern(b))
            assert int(found["a"]["bits"], 16) == pattern(a)
        across = (await server.call("ulp_distance", a=-1.0, b=1.0, dtype=dtype)).value
        assert across["ulps"] == 2 * pattern(1.0)


async def test_bfloat16_rounds_to_nearest_with_ties_to_even(bench):
    async with bench.server("numcheck") as server:
        for given, kept in ((1.00390625, 1.0), (1.01171875, 1.015625), (1.004, 1.0078125), (3.4e38, "inf")):
            assert (await server.call("ulp_distance", a=given, b=1, dtype="bfloat16")).value["a"]["value"] == kept


# ---- inputs on which code breaks


def _values(answer):
    return {case["case"]: case["inputs"] for case in answer["cases"]}


async def test_inputs_keep_their_bounds_are_exact_and_the_same_for_the_same_seed(bench):
    inputs = [{"name": "x", "dtype": "float32", "low": -10, "high": 1e6}, {"name": "k", "dtype": "int16", "shape": []}]
    async with bench.server("numcheck") as server:
        ask = [await server.call("adversarial_inputs", inputs=inputs, seed=seed) for seed in (1, 1, 2)]
    assert ask[0].text == ask[1].text != ask[2].text
    for case in ask[0].value["cases"]:
        for value in case["inputs"]["x"]["values"]:
            assert -10 <= value <= 1e6
            stored = struct.unpack("f", struct.pack("f", value))[0]
            assert Fraction(struct.unpack("f", struct.pack("f", stored))[0]) == Fraction(stored)
        assert all(-(2**15) <= k < 2**15 and k == int(k) for k in case["inputs"]["k"]["values"])


async def test_each_promised_kind_of_input_is_there(bench):
    async with bench.server("numcheck") as server:
        answer = await server.call("adversarial_inputs", inputs=[{"name": "x", "finite": False}])
    cases = {name: given["x"]["values"] for name, given in _values(answer.value).items()}
    assert {str(v) for v in cases["zeros"]} == {"0.0", "-0.0"}
    assert all(0 < abs(v) <= 2.0**-1022 for v in cases["denormals"])
    assert max(cases["huge"]) > 1e308
    assert math.fsum(cases["cancellation"]) != sum(cases["cancellation"])
    assert {"nan", "inf", "-inf"} <= set(map(str, cases["not_finite"]))
    assert {v % 1 for v in cases["ties"]} >= {0.5}
    assert len(cases["size_0"]) == 0
    assert len(cases["size_17"]) == 17


async def test_named_sizes_are_shared_and_integers_reach_their_ends(bench):
    matrices = [{"name": "a", "shape": ["m", "k"]}, {"name": "b", "shape": ["k", "n"]}]
    async with bench.server("numcheck") as server:
        made = (await server.call("adversarial_inputs", inputs=matrices, cases=["sizes_all_different"])).value
        ends = (
            await server.call("adversarial_inputs", inputs=[{"name": "i", "dtype": "int64"}], cases=["bounds"])
        ).value
        unknown = await server.call("adversarial_inputs", inputs=matrices, cases=["everything"])
    a, b = (made["cases"][0]["inputs"][name]["shape"] for name in "ab")
    assert a[1] == b[0]
    assert len({*a, *b}) == 3
    assert {-(2**63), 2**63 - 1} <= set(ends["cases"][0]["inputs"]["i"]["values"])
    assert "there are: ordinary, zeros" in unknown.complaint


async def test_what_does_not_fit_into_one_answer_is_named_and_can_be_asked_for(bench):
    inputs = [{"name": "x", "shape": [300]}]
    async with bench.server("numcheck") as server:
        first = (await server.call("adversarial_inputs", inputs=inputs)).value
        rest = (await server.call("adversarial_inputs", inputs=inputs, cases=first["left_out"])).value
    assert first["left_out"]
    assert not set(_values(first)) & set(_values(rest))


async def test_initialisers_in_c_give_the_same_values_as_json(bench):
    inputs = [{"name": "x", "dtype": "float32", "finite": False}, {"name": "y"}]
    cases = ["denormals", "not_finite", "ordinary"]
    async with bench.server("numcheck") as server:
        as_c, as_json = [
            (await server.call("adversarial_inputs", inputs=inputs, cases=cases, format=f)).value for f in ("c", "json")
        ]
    lines = ["#include <math.h>", "#include <stdio.h>", "int main(void) {"]
    for case in as_c["cases"]:
        lines += ["{", case["inputs"]["x"]["c"], case["inputs"]["y"]["c"]]
        lines += ['for (int i = 0; i < 8; i++) printf("%.17g %.17g\\n", (double)x[i], y[i]);', "}"]
    source = bench.workspace / "t.c"
    source.write_text("\n".join([*lines, "}"]))
    try:
        await anyio.run_process(["cc", "-o", str(bench.workspace / "t"), str(source)])
    except FileNotFoundError:
        pytest.skip("no C compiler")
    printed = (await anyio.run_process([str(bench.workspace / "t")])).stdout.decode()
    wanted = [
        (struct.unpack("f", struct.pack("f", float(x)))[0], float(y))
        for case in as_json["cases"]
        for x, y in zip(case["inputs"]["x"]["values"], case["inputs"]["y"]["values"], strict=True)
    ]
    got = [tuple(map(float, line.split())) for line in printed.splitlines()]
    assert json.dumps(got).replace("-NaN", "NaN") == json.dumps(wanted)
