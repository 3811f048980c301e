"""Which files belong to a program that lies in somebody's project: all that an entry of `.mcp.json` carries along.

Hidden files stay behind, and so do virtual environments: they are not the program's, and may hold secrets.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from posixpath import dirname, normpath

from harnessgym_mcp.core.formats.common import FormatError
from harnessgym_mcp.qualify.candidates import Bench
from harnessgym_mcp.qualify.checks.sources import imports, parse_python

__all__ = ["files_of_program"]

_NODE = (".js", ".mjs", ".cjs")
_RELATIVE = re.compile(r"""(?:from|import|require\s*\()\s*["'](\.{1,2}/[^"']+)["']""")
_MOST = 2 << 20  # characters of one source that are read for its imports


def files_of_program(root: Path, program: str, place: Path, bench: Bench) -> None:
    """Copy them to the same paths below `place`: the program's own folder, or, where that is the project itself, the
    program and what it imports of the project. Raises FormatError."""
    folder = dirname(program)
    files = set(_closure(root, program))
    files |= set(_inside(root, folder, bench)) if folder else set()
    if program.endswith(_NODE):
        files |= {name for name in ("package.json",) if (root / name).is_file()}
        files |= set(_inside(root, "node_modules", bench))
    place.mkdir(exist_ok=True)
    bench.take_files(root, files, place)


def _inside(root: Path, folder: str, bench: Bench) -> Iterator[str]:
    """All files of a folder, as paths from the root. Raises FormatError when they are too many."""
    number = 0
    for here, folders, names in os.walk(root / folder):
        folders[:] = [n for n in folders if not _stays(n) and not os.path.exists(os.path.join(here, n, "pyvenv.cfg"))]
        for name in names:
            number += 1
            if number > bench.limits.artifact_files:
                what = f"the program's folder has more than {bench.limits.artifact_files} files"
                raise FormatError(folder, what, hint="put the program into a folder of its own")
            if not _stays(name):
                yield Path(here, name).relative_to(root).as_posix()


def _stays(name: str) -> bool:
    return (name.startswith(".") and name != ".package-lock.json") or name in ("__pycache__", "id_rsa", "id_ed25519")


def _closure(root: Path, program: str) -> Iterator[str]:
    """The program and the project's own files that it takes in, directly or not."""
    seen, todo = set(), [program]
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            yield path
            todo += _imported(root, path, dirname(program))


def _imported(root: Path, path: str, base: str) -> Iterator[str]:
    text = (root / path).read_text("utf-8", "replace")[:_MOST]
    if path.endswith(".py"):
        tree = parse_python(text)
        for seen in imports(tree) if tree else ():
            yield from _module(root, base, seen.what.partition(".")[0])
    elif path.endswith(_NODE):
        for found in _RELATIVE.findall(text):
            stem = normpath(f"{dirname(path)}/{found}".lstrip("/"))
            tried = (stem, *(stem + ending for ending in _NODE), f"{stem}/index.js")
            yield from (t for t in tried if not t.startswith("..") and (root / t).is_file())


def _module(root: Path, base: str, name: str) -> Iterator[str]:
    """A module beside the program, or all Python files of a package there."""
    stem = f"{base}/{name}".lstrip("/")
    if (root / f"{stem}.py").is_file():
        yield f"{stem}.py"
    elif (root / stem / "__init__.py").is_file():
        yield from (p.relative_to(root).as_posix() for p in sorted((root / stem).rglob("*.py")))
