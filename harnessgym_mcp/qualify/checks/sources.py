"""What Python and JavaScript sources say of themselves: imports, machine paths, installers. Read, never run."""

import ast
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

__all__ = [
    "Seen",
    "imports",
    "installs",
    "machine_paths",
    "node_imports",
    "parse_python",
    "reachable",
    "undeclared",
]


class Seen(NamedTuple):
    """Something at a line of a source file."""

    what: str
    line: int


NAMES: Mapping[str, tuple[str, ...]] = {
    "attrs": ("attr", "attrs"),
    "beautifulsoup4": ("bs4",),
    "biopython": ("Bio",),
    "gitpython": ("git",),
    "msgpack-python": ("msgpack",),
    "opencv-python": ("cv2",),
    "opencv-python-headless": ("cv2",),
    "pillow": ("PIL",),
    "protobuf": ("google",),
    "pycryptodome": ("Crypto",),
    "pyjwt": ("jwt",),
    "pymupdf": ("fitz", "pymupdf"),
    "pyserial": ("serial",),
    "python-dateutil": ("dateutil",),
    "python-docx": ("docx",),
    "python-dotenv": ("dotenv",),
    "python-pptx": ("pptx",),
    "pyyaml": ("yaml",),
    "pyzmq": ("zmq",),
    "ruamel-yaml": ("ruamel",),
    "scikit-image": ("skimage",),
    "scikit-learn": ("sklearn",),
    "setuptools": ("setuptools", "pkg_resources"),
    "typing-extensions": ("typing_extensions",),
}
"""Distributions whose import names are others, as far as they are common; see `undeclared` for the rest."""

_INSTALLERS = re.compile(
    r"\b(?:pip3?|uv\s+pip|conda|mamba|apt(?:-get)?|brew|gem|cargo|npm|pnpm|yarn)\b[\s'\",\[\]-]+(?:install|add|ci)\b"
    r"|\bensurepip\b|\bpip\.main\b|\beasy_install\b"
)
_HOME = re.compile(
    r"(?:/home/[\w.-]+|/Users/[\w.-]+|/root|[A-Za-z]:\\{1,2}Users\\{1,2}[\w.-]+|/mnt/[a-z]/Users)(?:[/\\]|\Z)"
)


def parse_python(text: str) -> ast.Module | None:
    """The syntax tree, None where there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd escapes in a stranger's strings
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


# ---- imports


def imports(tree: ast.Module) -> Iterator[Seen]:
    """Each absolute import's full name; those that are guarded against failure or for type checkers are left out."""
    yield from _imports(tree)


def _imports(node: ast.AST) -> Iterator[Seen]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Seen(alias.name, child.lineno) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            if not child.level and child.module:
                yield Seen(child.module, child.lineno)
        elif not _guarded(child):
            yield from _imports(child)


def _guarded(node: ast.AST) -> bool:
    if isinstance(node, ast.Try):
        return any(_catches_import(handler.type) for handler in node.handlers)
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _catches_import(kind: ast.expr | None) -> bool:
    return kind is None or any(
        isinstance(n, ast.Name) and n.id in ("ImportError", "ModuleNotFoundError", "Exception") for n in ast.walk(kind)
    )


def reachable(entries: Iterable[str], modules: Mapping[str, ast.Module]) -> dict[str, ast.Module]:
    """Those Python files (path -> tree) that the entry files import, directly or not; all of them without entries."""
    todo = [e for e in entries if e in modules] or list(modules)
    seen: dict[str, ast.Module] = {}
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen[path] = modules[path]
        todo += [p for p in _local_files(path, modules[path]) if p in modules]
    return seen


def _local_files(path: str, tree: ast.Module) -> Iterator[str]:
    """Where a file's imports may lie in the artifact: beside it, at the root, in `src`."""
    folder = PurePosixPath(path).parent
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
            bases = {str(folder), ".", "src"}
        elif isinstance(node, ast.ImportFrom):
            up = folder.parents[node.level - 2] if 1 < node.level <= len(folder.parents) + 1 else folder
            stem = node.module or ""
            names = [stem, *(f"{stem}.{a.name}".strip(".") for a in node.names)]
            bases = {str(up)} if node.level else {str(folder), ".", "src"}
        else:
            continue
        for base in bases:
            yield from _files_of(base, names)


def _files_of(base: str, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        parts = name.split(".") if name else []
        for upto in range(1, len(parts) + 1):
            stem = PurePosixPath(base, *parts[:upto])
            yield f"{stem}.py"
            yield f"{stem}/__init__.py"
            yield f"{stem}/__main__.py"


def undeclared(seen: Iterable[Seen], local: Iterable[str], declared: Iterable[str]) -> list[Seen]:
    """Imports that neither the standard library nor the artifact nor a declared package provides.

    `declared` are distribution names. One of unknown import names may provide anything that resembles it; whether it
    really does is found out when the server starts.
    """
    provided = set(sys.stdlib_module_names) | set(local)
    fuzzy: set[str] = set()
    for name in declared:
        plain = re.sub(r"[-_.]+", "-", name).lower()
        provided |= set(NAMES.get(plain, ()))
        fuzzy.add(plain.replace("-", ""))
    missing = []
    for item in seen:
        top = item.what.partition(".")[0]
        if top not in provided and not _resembles(top, fuzzy):
            missing.append(item)
    return missing


def _resembles(top: str, distributions: set[str]) -> bool:
    plain = top.lower().replace("_", "")
    return any(plain in name or name.removeprefix("python").removesuffix("python") in plain for name in distributions)


_NODE_IMPORT = re.compile(
    r"""(?:\brequire\s*\(|\bfrom|\bimport\s*\(?)\s*["']([^"'./\s][^"'\s]*)["']""",
)
_NODE_BUILTIN = frozenset({
    "assert", "async_hooks", "buffer", "child_process", "cluster", "console", "constants", "crypto", "dgram",
    "diagnostics_channel", "dns", "domain", "events", "fs", "http", "http2", "https", "inspector", "module", "net",
    "os", "path", "perf_hooks", "process", "punycode", "querystring", "readline", "repl", "stream", "sys", "timers",
    "string_decoder", "tls", "trace_events", "tty", "url", "util", "v8", "vm", "wasi", "worker_threads", "zlib",
})  # fmt: skip


def node_imports(text: str) -> Iterator[Seen]:
    """Packages (not builtin, not relative) that a JavaScript file imports."""
    for match in _NODE_IMPORT.finditer(text):
        name = match[1]
        parts = name.split("/")
        package = "/".join(parts[:2]) if name.startswith("@") else parts[0]
        if not name.startswith("node:") and package not in _NODE_BUILTIN and not _in_comment(text, match.start()):
            yield Seen(package, text.count("\n", 0, match.start()) + 1)


def _in_comment(text: str, at: int) -> bool:
    line = text[text.rfind("\n", 0, at) + 1 : at].lstrip()
    return line.startswith(("//", "*", "/*"))


# ---- machine paths


def machine_paths(tree: ast.Module) -> Iterator[Seen]:
    """String constants that are, as a whole, a path in somebody's home; docstrings and examples are left out."""
    talk = set(_talk(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in talk:
            value = node.value
            if _HOME.match(value) and len(value) < 400 and "\n" not in value:
                yield Seen(value, node.lineno)


_TALK_KEYS = frozenset({"description", "title", "example", "examples", "default", "help"})


def _talk(tree: ast.AST) -> Iterator[int]:
    """The ids of constants that only speak: docstrings, bare strings, values of `description` and the like."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield id(node.value)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in _TALK_KEYS:
                    yield from map(id, ast.walk(value))
        elif isinstance(node, ast.keyword) and node.arg in _TALK_KEYS:
            yield from map(id, ast.walk(node.value))


# ---- installers


def installs(tree: ast.Module) -> Iterator[Seen]:
    """Calls whose own words install something (`pip install` and its kind)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            constants = (c.value for c in ast.walk(node) if isinstance(c, ast.Constant))
            words = " ".join(value for value in constants if isinstance(value, str))
            attribute = ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""
            match = _INSTALLERS.search(words) if _starts_programs(attribute) else None
            if match or attribute in ("pip.main", "ensurepip.bootstrap"):
                yield Seen(match[0] if match else attribute, node.lineno)


def _starts_programs(function: str) -> bool:
    last = function.rpartition(".")[2]
    return last in {
        "run", "call", "check_call", "check_output", "Popen", "system", "popen", "getoutput", "getstatusoutput",
        "create_subprocess_exec", "create_subprocess_shell", "execv", "execvp", "execve", "execlp", "spawnv", "main",
    }  # fmt: skip
