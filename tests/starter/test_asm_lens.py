"""asm-lens: what is said of compiled code is what the code holds."""

import json
import platform
import shutil

import pytest

pytestmark = pytest.mark.skipif(not (shutil.which("gcc") or shutil.which("clang")), reason="no compiler")
X86 = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="about x86-64")
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]

AXPY = """void axpy(double *restrict y, const double *restrict x, double k, int n) {
    for (int i = 0; i < n; i++)
        y[i] += k * x[i];
}
"""
SUM = """float sum(const float *x, int n) {
    float s = 0;
    for (int i = 0; i < n; i++)
        s += x[i];
    return s;
}
"""
BOTH = AXPY + SUM
FIND = """int find(const int *p, int n) {
    for (int i = 0; i < n; i++)
        if (p[i] == 7)
            return i;
    return -1;
}
"""


# ---- through the harness


@X86
async def test_a_vectorisable_loop_shows_vector_instructions_of_the_width_asked_for(harness, folder):
    (harness.workspace / folder / "k.c").write_text(AXPY)
    async with harness.session() as call:
        wide = (await call("asm-lens__mix", path=f"{folder}/k.c", flags="-O3 -march=x86-64-v3")).value["functions"][0]
        plain = (await call("asm-lens__mix", path=f"{folder}/k.c", flags="-O1")).value["functions"][0]
        shown = (await call("asm-lens__annotate", path=f"{folder}/k.c", flags="-O3 -march=x86-64-v3")).value
    assert wide["kinds"]["vector"] > 0
    assert wide["vector_bits"]["256"] > 0
    assert wide["noted"]["fused_multiply_add"] > 0
    assert [loop["vectorised"] for loop in wide["loops"] if loop["vector_bits"].get("256")] == ["yes"]
    assert (plain["vectorised"], plain["vector_bits"]) == ("no", {})
    body = next(line for line in shown["lines"] if line.get("source") == "y[i] += k * x[i];")
    assert any("*" in asm.partition(" ")[0] and "ymm" in asm for asm in body["asm"])


async def test_the_workspace_gives_include_paths_and_cannot_be_written(harness, folder):
    place = harness.workspace / folder
    (place / "inc").mkdir()
    (place / "inc" / "size.h").write_text("#define COLUMNS 1000003\n")
    (place / "m.c").write_text('#include "size.h"\nint f(int x) {\n    return x * COLUMNS + OFFSET;\n}\n')
    async with harness.session() as call:
        failed = await call("asm-lens__annotate", path=f"{folder}/m.c")
        assert "size.h" in failed.complaint
        done = await call("asm-lens__annotate", path=f"{folder}/m.c", flags=f"-O2 -I {folder}/inc -DOFFSET=5")
    assert 3 in [line["line"] for line in done.value["lines"]]
    assert "1000003" in done.text or "16960" in done.text
    assert sorted(p.name for p in place.iterdir()) == ["inc", "m.c"]


# ---- kinds and loops


@pytest.mark.parametrize("compiler", COMPILERS)
async def test_a_sum_kept_in_order_is_not_called_vectorised_and_a_free_one_is(bench, compiler):
    async with bench.server("asm-lens") as server:
        kept, free = [
            (await server.call("mix", code=SUM, compiler=compiler, flags=f"-O3 {more}")).value["functions"][0]
            for more in ("", "-ffast-math")
        ]
    assert "yes" not in [loop["vectorised"] for loop in kept["loops"]]
    assert "yes" in [loop["vectorised"] for loop in free["loops"]]


ON_X86 = {
    "vector": """
        vfmadd231ps (%rdi), %ymm1, %ymm0
        paddd %xmm1, %xmm0
        vpermps %ymm0, %ymm1, %ymm2
        cvtdq2pd %xmm0, %xmm1
        vbroadcastss (%rdi), %ymm0
        xorps %xmm1, %xmm0
        """,
    "vector_move": """
        vmovups (%rdi,%rax), %ymm4
        vmovaps %ymm0, %ymm1
        vmovdqu64 %zmm0, (%rdi)
        """,
    "scalar_float": """
        addss %xmm1, %xmm0
        vfmadd132sd %xmm0, %xmm1, %xmm2
        sqrtsd %xmm0, %xmm0
        cvtsi2sdl %edi, %xmm0
        cvttsd2si %xmm0, %eax
        ucomisd %xmm1, %xmm0
        movsd %xmm1, %xmm0
        fldt 8(%rsp)
        """,
    "load_store": """
        movss (%rdi), %xmm0
        movl %eax, -4(%rbp)
        pushq %rbx
        """,
    "integer": """
        movl %eax, %edx
        leaq 1(%rdi), %rax
        imulq %rdi, %rax
        popcntq %rax, %rax
        """,
    "branch": """
        jne .L4
        jmp *%rax
        """,
    "call": """
        call memcpy@PLT
        ret
        """,
    "other": """
        pxor %xmm0, %xmm0
        vxorps %xmm1, %xmm1, %xmm1
        movaps %xmm0, %xmm1
        vzeroupper
        nopw 0(%rax,%rax,1)
        endbr64
        """,
}
ON_ARM = {
    "vector": """
        fmla v4.2d, v2.2d, v1.2d
        add v0.4s, v1.4s, v2.4s
        fadd z0.s, z0.s, z1.s
        """,
    "vector_move": """
        ldp q2, q3, [x10, #-16]
        ld1 {v0.4s}, [x0]
        """,
    "scalar_float": """
        fmadd d1, d0, d1, d2
        scvtf d0, w0
        """,
    "load_store": """
        ldr d1, [x11], #8
        str w0, [sp, #12]
        """,
    "integer": """
        madd w0, w1, w2, w3
        cmp w2, #1
        """,
    "branch": """
        b.ne .LBB0_6
        cbz x0, .L3
        """,
    "call": """
        bl memcpy
        ret
        """,
    "other": """
        movi v0.2d, #0
        """,
}


def pairs(table):
    return [(line.strip(), kind) for kind, lines in table.items() for line in lines.splitlines() if line.strip()]


@pytest.mark.parametrize(("text", "kind"), pairs(ON_X86))
def test_an_instruction_is_of_its_kind_on_x86(module, text, kind):
    assembly, kinds = module("asm-lens", "assembly"), module("asm-lens", "kinds")
    assert kinds.X86().kind(assembly.Instruction(text, 1, "", ())) == kind


@pytest.mark.parametrize(("text", "kind"), pairs(ON_ARM))
def test_an_instruction_is_of_its_kind_on_arm(module, text, kind):
    assembly, kinds = module("asm-lens", "assembly"), module("asm-lens", "kinds")
    assert kinds.Arm().kind(assembly.Instruction(text, 1, "", ())) == kind


@pytest.mark.parametrize(
    ("instructions", "word"),
    [
        ("mulps %xmm1, %xmm0 | addps %xmm0, %xmm2 | addss %xmm3, %xmm4", "yes"),
        ("mulps %xmm1, %xmm0 | addss %xmm0, %xmm2 | addss %xmm3, %xmm4", "partly"),
        ("shufps $85, %xmm1, %xmm0 | movups (%rdi), %xmm1 | addss %xmm3, %xmm4", "no"),
    ],
)
def test_moves_and_shuffles_are_no_vector_work_and_single_sums_beside_it_are_told(module, instructions, word):
    assembly, kinds = module("asm-lens", "assembly"), module("asm-lens", "kinds")
    code = [assembly.Instruction(text, 1, "", ()) for text in instructions.split(" | ")]
    assert kinds.vectorised(code, kinds.X86()) == word


@pytest.mark.parametrize("compiler", COMPILERS)
async def test_of_nested_loops_the_innermost_is_counted_and_jumps_backwards_alone_are_none(bench, compiler):
    nested = (
        "void t(int *a, int n) {\n  for (int i = 0; i < n; i++)\n    for (int j = 0; j < n; j++)\n"
        "      a[i * n + j] = a[j * n + i] * 3;\n}\n"
        "int far(int x) {\n  if (__builtin_expect(x > 5, 0)) { x = x / 7 + 1; if (x % 11 == 3) return x; }\n"
        "  return x * 9;\n}\n"
    )
    async with bench.server("asm-lens") as server:
        answer = (await server.call("mix", code=nested, compiler=compiler, flags="-O1 -fno-inline")).value
    loops = {f["function"]: f["loops"] for f in answer["functions"]}
    assert len(loops["t"]) == 1
    low, high = loops["t"][0]["lines"]
    assert low >= 3
    assert high == 4
    assert loops["far"] == []


def test_loops_are_found_in_any_layout(module):
    assembly, loops = module("asm-lens", "assembly"), module("asm-lens", "loops")
    listing = """
f:
	testl %edi, %edi
	je .L9
.L2:
	addl $1, %eax
	cmpl $3, %eax
	jne .L5
.L4:
	subl $1, %edi
	jne .L2
	ret
.L5:
	imull %eax, %eax
	jmp .L4
.L9:
	ret
	.size f, .-f
"""
    (function,) = assembly.functions(listing, "f.c", "x86_64-linux-gnu")
    (loop,) = loops.innermost(function)
    assert loop.label == ".L2"
    assert [function.instructions[at].mnemonic for at in loop.members] == [
        "addl", "cmpl", "jne", "subl", "jne", "imull", "jmp",
    ]  # fmt: skip


# ---- lines, names, remarks, flags


@pytest.mark.parametrize("compiler", COMPILERS)
async def test_instructions_stand_under_the_line_they_come_from(bench, compiler):
    code = "int f(int a, int b) {\n  int q = a / b;\n  int p = a * 37;\n  return q ^ p;\n}\n"
    async with bench.server("asm-lens") as server:
        found = (await server.call("annotate", code=code, compiler=compiler, flags="-O1")).value
    lines = {line["line"]: " ".join(line["asm"]) for line in found["lines"]}
    assert "div" in lines[2]
    assert "div" not in lines[3]
    assert next(line for line in found["lines"] if line["line"] == 3)["source"] == "int p = a * 37;"


async def test_long_functions_come_in_pages_and_in_program_order_if_wanted(bench):
    code = "void f(volatile int *p) {\n" + "".join(f"  p[{n}] = {n};\n" for n in range(60)) + "}\n"
    async with bench.server("asm-lens") as server:
        pages, offset = [], 0
        while offset is not None:
            page = (await server.call("annotate", code=code, order="program", offset=offset, limit=25)).value
            pages += [asm for line in page["lines"] for asm in line["asm"]]
            offset = page.get("next_offset")
    assert [int(asm.split()[0].rstrip("*")) for asm in pages] == list(range(page["instructions"]))


async def test_functions_of_c_plus_plus_are_named_as_they_are_written(bench):
    code = (
        "namespace n { int f(int x) { return x + 1; } int f(long x) { return x + 2; } int only(int x) { return x; } }"
    )
    async with bench.server("asm-lens") as server:
        one = (await server.call("annotate", code=code, language="c++", function="only")).value
        two = await server.call("annotate", code=code, language="c++", function="n::f")
        exact = (await server.call("annotate", code=code, language="c++", function="n::f(long)")).value
        none = await server.call("annotate", code=code, language="c++", function="g")
    assert one["function"] == "n::only(int)"
    assert "may be any of: n::f(int), n::f(long)" in two.complaint
    assert exact["function"] == "n::f(long)"
    assert "there are: n::f(int)" in none.complaint


@pytest.mark.parametrize("compiler", COMPILERS)
async def test_remarks_tell_what_was_done_and_why_something_was_not(bench, compiler):
    code = f"{AXPY}{FIND}"
    async with bench.server("asm-lens") as server:
        found = (await server.call("remarks", code=code, compiler=compiler, topics=["vector"])).value
        later = (await server.call("remarks", code=code, compiler=compiler, first_line=5)).value
    by_line = {row["line"]: row["remarks"] for row in found["remarks"]}
    assert any(r.startswith("done:") and "vectorized" in r for r in by_line[2])
    assert any(r.startswith("missed:") and "vectorized" in r for line in (6, 7) for r in by_line.get(line, []))
    assert min(row["line"] for row in later["remarks"]) >= 5


async def test_flags_that_make_the_same_code_are_named_and_differences_shown(bench):
    async with bench.server("asm-lens") as server:
        sets = ["-O1", "-O1 -Wall", "-O3 -ffast-math"]
        found = (await server.call("compare_flags", code=BOTH, function="sum", flag_sets=sets)).value["sets"]
        both = (await server.call("compare_flags", code=SUM, flag_sets=["-O1", "-O3 -ffast-math"], diff=True)).value
        same = (await server.call("compare_flags", code=SUM, flag_sets=["-O1", "-O1"], diff=True)).value
    assert [row.get("same_code_as") for row in found] == [None, "-O1", None]
    assert found[0]["loops"]["yes"] == 0 < found[2]["loops"]["yes"]
    assert found[0]["instructions"] < found[2]["instructions"]
    assert any(line.startswith("+") and "add" in line for line in both["diff"])
    assert same["diff"] == []


async def test_the_builds_own_flags_are_taken_for_what_they_mean_and_not_for_how_they_optimise(bench):
    source = bench.workspace / "src" / "m.c"
    (bench.workspace / "inc dir").mkdir()
    (bench.workspace / "inc dir" / "size.h").write_text("#define COLUMNS 37\n")
    source.parent.mkdir()
    source.write_text('#include "size.h"\nint f(int x) {\n  return x * COLUMNS + OFFSET;\n}\n')
    command = ["cc", "-O0", "-DOFFSET=5", "-I", "inc dir", "-c", "-o", "m.o", "src/m.c"]
    entry = {"directory": str(bench.workspace), "file": "src/m.c", "arguments": command}
    (bench.workspace / "build").mkdir()
    (bench.workspace / "build" / "compile_commands.json").write_text(json.dumps([entry]))
    async with bench.server("asm-lens") as server:
        found = (await server.call("annotate", path="src/m.c")).value
        without = await server.call("annotate", path="src/m.c", flags_from_build=False)
    assert found["flags"] == f"-DOFFSET=5 -I {bench.workspace}/inc dir -O2"
    assert "size.h" in without.complaint


@pytest.mark.parametrize("flags", ["-o /tmp/x", "-c", "-E", "-MD", "other.c", "-x c++", "-O2 'unclosed"])
async def test_flags_that_lead_elsewhere_are_refused(bench, flags):
    async with bench.server("asm-lens") as server:
        assert "flags" in (await server.call("annotate", code=SUM, flags=flags)).complaint


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"code": "int f(void) {\n  return x;\n}"}, "code.c:2:10"),
        ({"code": "int f(void);"}, "made no code"),
        ({"code": BOTH}, "name one of: axpy, sum"),
        ({"code": SUM, "compiler": "icc-2042"}, "no compiler found (icc-2042)"),
        ({"code": SUM, "compiler": "gcc; true"}, "not a compiler's name"),
        ({"code": SUM, "path": "a.c"}, "either path"),
        ({}, "either path"),
        ({"path": "nowhere.c"}, "no file 'nowhere.c'"),
    ],
)
async def test_what_cannot_be_compiled_is_explained(bench, arguments, words):
    async with bench.server("asm-lens") as server:
        assert words in (await server.call("annotate", **arguments)).complaint


async def test_without_a_compiler_every_tool_says_so_and_the_list_is_empty(bench, monkeypatch):
    monkeypatch.setenv("PATH", str(bench.data))
    async with bench.server("asm-lens") as server:
        listed = (await server.call("compilers")).value
        assert "install gcc or clang" in (await server.call("mix", code=SUM)).complaint
    assert (listed["compilers"], "no C compiler" in listed["says"]) == ([], True)
