"""Which files belong to a program that lies in somebody's project: all that an entry of `.mcp.json` carries along."""

import re
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, normpath

from harnessgym_mcp.qualify.candidates import Bench
from harnessgym_mcp.qualify.checks.sources import imports, parse_python

__all__ = ["files_of_program"]

_NODE = (".js", ".mjs", ".cjs")
_RELATIVE = re.compile(r"""(?:from|import|require\s*\()\s*["'](\.{1,2}/[^"']+)["']""")
_MOST = 2 << 20  # characters of one source that are read for its imports


def files_of_program(root: Path, program: str, place: Path, bench: Bench) -> None:
    """Copy them to the same paths below `place`: the program's own folder, or, where that is the project itself, the
    program and what it imports of the project. Raises TreeRefused, FormatError."""
    folder = dirname(program)
    if folder and not program.endswith("/__main__.py"):
        bench.take(root / folder, place / folder)
        return
    if program.endswith("/__main__.py"):
        bench.take(root / folder, place / folder)
    files, folders = _closure(root, program)
    place.mkdir(exist_ok=True)
    bench.take_files(root, [f for f in files if not (place / f).exists()], place)
    for name in sorted(folders):
        if not (place / name).exists():
            bench.take(root / name, place / name)


def _closure(root: Path, program: str) -> tuple[set[str], set[str]]:
    """Files and folders, relative to the root."""
    files, folders, todo = {program}, set(), [program]
    while todo:
        for path in _imported(root, todo.pop()):
            if path.endswith("/"):
                folders.add(path.rstrip("/"))
            elif path not in files:
                files.add(path)
                todo.append(path)
    if program.endswith(_NODE):
        files |= {name for name in ("package.json",) if (root / name).is_file()}
        folders |= {name for name in ("node_modules",) if (root / name).is_dir()}
    return files, folders


def _imported(root: Path, path: str) -> Iterator[str]:
    """Files, and folders with a '/' at the end, that a source of the project takes in."""
    text = (root / path).read_text("utf-8", "replace")[:_MOST]
    if path.endswith(".py"):
        tree = parse_python(text)
        for seen in imports(tree) if tree else ():
            name = seen.what.partition(".")[0]
            if (root / f"{name}.py").is_file():
                yield f"{name}.py"
            elif (root / name / "__init__.py").is_file():
                yield f"{name}/"
    elif path.endswith(_NODE):
        for found in _RELATIVE.findall(text):
            base = normpath(f"{dirname(path)}/{found}".lstrip("/"))
            tried = (base, *(base + ending for ending in _NODE), f"{base}/index.js")
            yield from (t for t in tried if not t.startswith("..") and (root / t).is_file())
