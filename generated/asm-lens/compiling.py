"""Finding a compiler, and having it turn one source file into assembly and remarks."""

import json
import os
import re
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from commands import run, workspace
from values import ToolError
from wire import Call

SECONDS = 90.0
C, CXX = ("gcc", "clang", "cc"), ("g++", "clang++", "c++")
_SUFFIXES = {".c": "c", ".cc": "c++", ".cpp": "c++", ".cxx": "c++", ".C": "c++", ".c++": "c++"}
_NOT_TAKEN = re.compile(r"-(?:o.*|c|S|E|M.*|x.*|save-temps.*|fsyntax-only)$")
_TAKES_WORD = ("-I", "-isystem", "-iquote", "-include", "-D", "-U", "--param", "-mllvm", "-Xclang", "-target")


class Compiler(NamedTuple):
    """`family` is gcc or clang: they differ in how they give remarks."""

    name: str
    family: str
    version: str
    target: str


class Compiled(NamedTuple):
    """What came of one compilation; `source` is the text that line numbers refer to, `name` what remarks call it."""

    compiler: Compiler  # its target is that of these flags
    flags: list[str]
    assembly: str
    remarks: str
    warnings: str
    source: list[str]
    name: str


class Source(NamedTuple):
    """What to compile: a file of the workspace, or code given outright."""

    path: str
    code: str
    language: str
    compiler: str
    from_build: bool

    @classmethod
    def of(cls, given: dict[str, Any]) -> "Source":
        """From a tool's arguments; raises ToolError."""
        path, code = given.get("path", ""), given.get("code", "")
        if bool(path) == bool(code):
            raise ToolError("give either path (a file of the workspace) or code")
        language = given.get("language") or _SUFFIXES.get(Path(path).suffix, "c")
        return cls(path, code, language, given.get("compiler", ""), given.get("flags_from_build", True))


def compilers(call: Call) -> list[Compiler]:
    """All that are there; names for the same one are listed once for each language."""
    found: dict[Any, Compiler] = {}
    for name in filter(shutil.which, (*C, *CXX)):
        compiler = identify(call, name)
        found.setdefault((compiler.family, compiler.version, name.endswith("++")), compiler)
    return list(found.values())


def choose(call: Call, wanted: str, language: str) -> Compiler:
    """The compiler asked for, else the first that is there; raises ToolError where there is none."""
    if wanted and not re.fullmatch(r"[A-Za-z0-9_.+-]+", wanted):
        raise ToolError(f"{wanted!r} is not a compiler's name; write gcc-12, clang++ or the like")
    names = (wanted,) if wanted else CXX if language == "c++" else C
    name = next((name for name in names if shutil.which(name)), None)
    if name is None:
        raise ToolError(f"no compiler found ({', '.join(names)}); install gcc or clang on this machine")
    return identify(call, name)


_KNOWN: dict[str, Compiler] = {}


def identify(call: Call, name: str) -> Compiler:
    """Ask a compiler who it is, once."""
    if name not in _KNOWN:
        said = [run(call, [name, option], SECONDS, {"LC_ALL": "C"}) for option in ("--version", "-dumpmachine")]
        if complaint := said[0].complaint() or said[1].complaint():
            raise ToolError(f"{name} does not run: it {complaint}")
        version, target = (outcome.stdout.strip().partition("\n")[0] for outcome in said)
        family = "clang" if "clang" in version.lower() else "gcc"
        number = re.search(r"\d+\.\d+(?:\.\d+)?", version)
        _KNOWN[name] = Compiler(name, family, number[0] if number else version[:40], target)
    return _KNOWN[name]


def compile_source(call: Call, source: Source, flags: str, remarks: bool = False) -> Compiled:
    """Raises ToolError with the compiler's own words where it fails."""
    wanted = _split(flags)
    compiler = _aimed(call, choose(call, source.compiler, source.language), wanted)
    with tempfile.TemporaryDirectory() as folder:
        place = _place(source, Path(folder))
        text = place.read_text("utf-8", "replace")
        own = build_flags(source.path) if source.path and source.from_build else []
        assembly, notes = Path(folder) / "out.s", Path(folder) / "remarks"
        command = [
            compiler.name,
            *own,
            *wanted,
            *_fixed(compiler, source.language, assembly, notes, remarks),
            str(place),
        ]
        outcome = run(call, command, SECONDS, {"LC_ALL": "C"})
        said = outcome.stderr.replace(str(place), source.path or place.name)
        if outcome.code != 0:
            raise ToolError(f"{compiler.name} {flags} fails: {said.strip()[:3000] or outcome.complaint()}")
        written = notes.read_text("utf-8", "replace") if notes.exists() else said
        remarked = written.replace(str(place), source.path or place.name)
        listing = assembly.read_text("utf-8", "replace")
    return Compiled(compiler, [*own, *wanted], listing, remarked, said, text.splitlines(), source.path or place.name)


def _aimed(call: Call, compiler: Compiler, flags: list[str]) -> Compiler:
    """The compiler with the target that the flags give it; clang has many."""
    if not any(flag.lstrip("-").startswith("target") for flag in flags):
        return compiler
    target = run(call, [compiler.name, *flags, "-dumpmachine"], SECONDS, {"LC_ALL": "C"}).stdout.strip()
    return compiler._replace(target=target or compiler.target)


def _split(flags: str) -> list[str]:
    try:
        words = shlex.split(flags)
    except ValueError as error:
        raise ToolError(f"the flags cannot be read: {error}") from None
    for before, word in zip(["", *words], words, strict=False):
        if _NOT_TAKEN.match(word) or (not word.startswith("-") and before not in _TAKES_WORD):
            raise ToolError(f"{word!r} cannot be among the flags: it would change what is compiled or where it goes")
    return words


def _place(source: Source, folder: Path) -> Path:
    """Where the source lies; code given outright is written to a folder of its own."""
    if source.path:
        place = workspace() / source.path
        if not place.is_file():
            raise ToolError(f"the workspace has no file {source.path!r}")
        return place
    place = folder / ("code.cpp" if source.language == "c++" else "code.c")
    place.write_bytes(source.code.encode("utf-8", "replace"))
    return place


def _fixed(compiler: Compiler, language: str, assembly: Path, notes: Path, remarks: bool) -> list[str]:
    """What every compilation gets: assembly out, with line numbers, whole in this one file."""
    fixed = ["-S", "-g1", "-fno-lto", "-fno-asynchronous-unwind-tables", "-o", str(assembly), "-x", language]
    if remarks and compiler.family == "gcc":
        return [f"-fopt-info-all-optall={notes}", *fixed]
    passes = ("-Rpass=.*", "-Rpass-missed=.*", "-Rpass-analysis=.*")
    return [*passes, "-fno-caret-diagnostics", *fixed] if remarks else fixed


# ---- the build's own flags


def build_flags(path: str) -> list[str]:
    """Include paths, macros and dialect that compile_commands.json has for a file; none where it does not know it."""
    for database in (
        workspace() / folder / "compile_commands.json" for folder in ("", "build", "out", "cmake-build-release")
    ):
        try:
            entries = json.loads(database.read_bytes())
        except (OSError, ValueError, RecursionError):
            continue
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and _means(entry, path):
                return _kept(entry)
    return []


def _means(entry: dict[str, Any], path: str) -> bool:
    named = os.path.join(str(entry.get("directory", "")), str(entry.get("file", "")))
    return os.path.normpath(named) == os.path.normpath(str(workspace() / path))


def _kept(entry: dict[str, Any]) -> list[str]:
    """-I, -isystem, -D, -U, -std, -f, -m of its command, with folders made absolute; not what it optimises for."""
    words = entry.get("arguments") or shlex.split(str(entry.get("command", "")))
    folder, kept = str(entry.get("directory", "")), []
    for at, word in enumerate(words):
        if word in ("-I", "-isystem", "-iquote", "-D", "-U") and at + 1 < len(words):
            value = words[at + 1]
            kept += [word, value if word in ("-D", "-U") else os.path.join(folder, value)]
        elif re.match(r"-I.", word):
            kept.append("-I" + os.path.join(folder, word[2:]))
        elif re.match(r"-(?:[DU].|std=|f(?!lto)|m)", word):
            kept.append(word)
    return kept
