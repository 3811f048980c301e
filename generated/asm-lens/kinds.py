"""What instructions do for a living: vector or scalar arithmetic, moves, memory, control flow."""

import re
from collections import Counter
from collections.abc import Iterable

from assembly import Instruction

KINDS = ("vector", "vector_move", "scalar_float", "integer", "load_store", "branch", "call", "other")
"""vector: packed arithmetic, logic, shuffles; vector_move: whole vectors from or to memory or registers."""


class X86:
    """x86-64 in AT&T syntax."""

    _BRANCH = re.compile(r"j[a-z]+|loop\w*")
    _REGISTER = re.compile(r"%([xyz])mm\d+")
    _MEMORY = re.compile(r"\(")
    _NO_ACCESS = ("lea", "nop", "prefetch")
    _ZEROING = re.compile(r"v?p?xorp?[sdq]* (%[xyz]mm\d+)(?:, \1)+")
    _VECTOR_MOVE = re.compile(r"v?(?:mov(?:[au]p[sd]|dq[au]\d*|nt\w+)|lddqu|p?maskmov\w*)")
    _SCALAR_MOVE = re.compile(r"v?mov(?:s[sd]|d|q|[lh]p[sd])")
    _SCALAR_FLOAT = re.compile(r"v?(?:\w+s[sd]|cvtt?s[sd]2\w+|cvt\w+2s[sd]l?q?)|f(?!ence)[a-z]+\w*")
    _NEVER_SCALAR = re.compile(r"vbroadcasts[sd]|vp\w+")
    _STACK = re.compile(r"(?:push|pop)[wlq]?")
    _OTHER = re.compile(r"nop[wl]?|endbr64|leave|hlt|ud2|v?zeroupper|lfence|mfence|sfence|pause")

    def kind(self, i: Instruction) -> str:
        name, vector = i.mnemonic, self._REGISTER.search(i.operands) is not None
        if self._BRANCH.fullmatch(name):
            return "branch"
        if name.startswith(("call", "ret")):
            return "call"
        if self._OTHER.fullmatch(name) or self._ZEROING.fullmatch(i.text):
            return "other"
        if vector and self._VECTOR_MOVE.fullmatch(name):
            copies_scalar = self.width(i) == "128" and not self.touches_memory(i)  # as compilers move a single double
            return "other" if copies_scalar else "vector_move"
        if vector and self._SCALAR_MOVE.fullmatch(name):
            return "load_store" if self.touches_memory(i) else "scalar_float"
        if self._SCALAR_FLOAT.fullmatch(name) and (vector or name[0] == "f") and not self._NEVER_SCALAR.fullmatch(name):
            return "scalar_float"
        if vector:
            return "vector"
        moves = name.startswith(("mov", "cmov")) and self.touches_memory(i)
        return "load_store" if moves or self._STACK.fullmatch(name) else "integer"

    def touches_memory(self, i: Instruction) -> bool:
        return self._MEMORY.search(i.operands) is not None and not i.mnemonic.startswith(self._NO_ACCESS)

    def on_stack(self, i: Instruction) -> bool:
        return self.touches_memory(i) and re.search(r"\(%[re]?[sb]p[,)]", i.operands) is not None

    def width(self, i: Instruction) -> str:
        """Of a vector instruction, in bits: that of its widest register."""
        return {"x": "128", "y": "256", "z": "512"}[max(self._REGISTER.findall(i.operands))]


class Arm:
    """AArch64."""

    _BRANCH = re.compile(r"b(?:\.\w+|r)?|cbn?z|tbn?z")
    _VECTOR = re.compile(r"\b[vz]\d+\.\d*[bhsdq]")
    _ACCESS = re.compile(r"(?:ld|st)[a-z0-9]+")
    _SCALAR_FLOAT = re.compile(r"f[a-z]+\d*|[su]cvtf")

    def kind(self, i: Instruction) -> str:
        name = i.mnemonic
        if name in ("bl", "blr", "ret"):
            return "call"
        if self._BRANCH.fullmatch(name):
            return "branch"
        if self.touches_memory(i):
            return "vector_move" if self._VECTOR.search(i.operands) or i.operands.startswith("q") else "load_store"
        if self._VECTOR.search(i.operands):
            return "other" if name == "movi" else "vector"
        if self._SCALAR_FLOAT.fullmatch(name):
            return "scalar_float"
        return "other" if name in ("nop", "bti", "paciasp", "autiasp") else "integer"

    def touches_memory(self, i: Instruction) -> bool:
        return self._ACCESS.fullmatch(i.mnemonic) is not None

    def on_stack(self, i: Instruction) -> bool:
        return self.touches_memory(i) and "[sp" in i.operands

    def width(self, i: Instruction) -> str:
        return "scalable" if re.search(r"\bz\d+\.", i.operands) else "128"


def machine(target: str) -> X86 | Arm | None:
    """For a target as compilers name it; None where nothing is known of it."""
    if re.match(r"x86_64|amd64|i[3-6]86", target):
        return X86()
    return Arm() if re.match(r"aarch64|arm64", target) else None


_SHUFFLE = re.compile(
    r"v?(?:perm\w+|p?shuf\w+|p?unpck\w+|broadcast\w+|p?blend\w+|p?insert\w*|p?extract\w*|p?align\w+|mov[sd]\w*dup"
    r"|mov(?:lh|hl)ps|pinsr\w|pextr\w|pbroadcast\w|pperm\w*|pack\w+)|tbl|zip\d|uzp\d|trn\d|ext|dup|ins|umov"
)
_NOTED = {
    "fused_multiply_add": re.compile(r"v?fn?m(?:add|sub)\w*|fml[as]|mla"),
    "division_or_square_root": re.compile(r"v?(?:div|sqrt)[ps][sd]|i?div[bwlq]?|[su]div|fdiv|fsqrt"),
    "gather_or_scatter": re.compile(r"v?p?(?:gather|scatter)\w+"),
    "shuffle_or_broadcast": _SHUFFLE,
    "atomic": re.compile(r"lock.*|xchg[bwlq]?|ld(?:a|add|swp)\w*xr|stlxr|cas\w*"),
}


def mix(instructions: list[Instruction], cpu: X86 | Arm) -> dict[str, object]:
    """Counts by kind, by vector width, and of what is worth a second look; zeros are left out."""
    kinds = Counter(cpu.kind(i) for i in instructions)
    vectors = [i for i in instructions if cpu.kind(i) in ("vector", "vector_move")]
    return {
        "instructions": len(instructions),
        "kinds": {kind: kinds[kind] for kind in KINDS if kinds[kind]},
        "vector_bits": dict(Counter(map(cpu.width, vectors))),
        "memory_accesses": sum(map(cpu.touches_memory, instructions)),
        "stack_accesses": sum(map(cpu.on_stack, instructions)),
        "noted": _noted(instructions),
        "vectorised": vectorised(instructions, cpu),
    }


def vectorised(instructions: Iterable[Instruction], cpu: X86 | Arm) -> str:
    """yes, no, or partly: packed arithmetic beside as much on single numbers (a sum kept in order, for instance)."""
    packed = single = 0
    for i in instructions:
        kind = cpu.kind(i)
        packed += kind == "vector" and not _SHUFFLE.fullmatch(i.mnemonic)  # shuffles alone compute nothing
        single += kind == "scalar_float"
    return "no" if not packed else "yes" if single < packed else "partly"


def _noted(instructions: list[Instruction]) -> dict[str, int]:
    counts = {name: sum(bool(p.fullmatch(i.mnemonic)) for i in instructions) for name, p in _NOTED.items()}
    return {name: count for name, count in counts.items() if count}
