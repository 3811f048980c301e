"""3 lint: what the files say, read and never run: imports, machine paths, installers, text that works on its reader."""

import ast
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from harnessgym_mcp.core.manifest import EXTENSION
from harnessgym_mcp.core.requirements import requirement_name
from harnessgym_mcp.core.text import visible
from harnessgym_mcp.core.verdict import Finding, Severity, finding
from harnessgym_mcp.qualify.checks.definitions import poisoned
from harnessgym_mcp.qualify.checks.poison import Poison, hidden_characters, pipes_to_shell, poison
from harnessgym_mcp.qualify.checks.recipes import entry_files
from harnessgym_mcp.qualify.checks.sources import (
    imports,
    installs,
    machine_paths,
    node_imports,
    parse_python,
    reachable,
    undeclared,
)
from harnessgym_mcp.qualify.context import Context

__all__ = ["run"]

_CODE = (".py", ".js", ".mjs", ".cjs", ".ts", ".sh", ".bash", ".rb", ".pl", ".lua")
_READ_BY_MODELS = (".md", ".txt", ".rst")
_AT_START = ("sitecustomize.py", "usercustomize.py")
_MOST = 1 << 20  # characters of one file that are read


async def run(ctx: Context) -> list[Finding]:
    texts = dict(_texts(ctx))
    modules = {path: tree for path, text in texts.items() if path.endswith(".py") and (tree := parse_python(text))}
    return [
        *_syntax(ctx, texts, modules),
        *_imports(ctx, modules),
        *_node(ctx, texts),
        *_paths(ctx, texts, modules),
        *_installers(texts, modules),
        *_poison(ctx, texts),
    ]


def _texts(ctx: Context) -> Iterator[tuple[str, str]]:
    """Every file that is text."""
    for file in ctx.tree.files if ctx.tree else ():
        data = (ctx.root / file.path).read_bytes()[:_MOST]
        if b"\0" not in data[:4096]:
            yield file.path, data.decode("utf-8", "replace")


def _entries(ctx: Context, paths: dict[str, object]) -> list[str]:
    if ctx.manifest is None or not ctx.manifest.command:
        return []
    return entry_files(ctx.manifest, dict.fromkeys(paths, True))


# ---- code


def _syntax(ctx: Context, texts: dict[str, str], modules: dict[str, ast.Module]) -> Iterator[Finding]:
    for path in _entries(ctx, dict(texts)):
        if path.endswith(".py") and path not in modules:
            try:
                ast.parse(texts[path])
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                line = getattr(error, "lineno", None) or 1
                yield finding(
                    "lint.syntax",
                    f"not Python: {error}",
                    where=f"{path}:{line}",
                    fix="correct it",
                    repro=f"python3 -m py_compile {path}",
                )


def _imports(ctx: Context, modules: dict[str, ast.Module]) -> Iterator[Finding]:
    declared = [requirement_name(package) for package in ctx.packages]
    files = [f.path for f in ctx.tree.files] if ctx.tree else []
    local = {part.removesuffix(".py") for path in modules for part in Path(path).parts}  # wherever PYTHONPATH leads
    local |= {path.split("/")[0].split(".")[0] for path in files}
    local |= {Path(path).name.split(".")[0] for path in files if path.endswith((".so", ".pyd"))}
    needed = reachable(_entries(ctx, dict(modules)), modules)
    for path, tree in modules.items():
        for item in undeclared(imports(tree), local, declared):
            name = item.what.partition(".")[0]
            yield finding(
                "lint.undeclared-import",
                f"{visible(name)!r} is neither in the standard library nor declared",
                severity="error" if path in needed else "warning",
                where=f"{path}:{item.line}",
                fix=f'add it to "dependencies": {{"packages": ["{visible(name)}"]}}, or do without',
            )


def _node(ctx: Context, texts: dict[str, str]) -> Iterator[Finding]:
    entries = _entries(ctx, dict(texts))
    for path, text in texts.items():
        if not path.endswith((".js", ".mjs", ".cjs")) or "node_modules/" in path:
            continue
        for item in node_imports(text):
            if not any(f"node_modules/{item.what}/" in other for other in texts):
                yield finding(
                    "lint.undeclared-import",
                    f"the Node package {visible(item.what)!r} is not in the artifact",
                    severity="error" if path in entries else "warning",
                    where=f"{path}:{item.line}",
                    fix=f"ship node_modules/{visible(item.what)}, or do without",
                )


# ---- machine paths


def _paths(ctx: Context, texts: dict[str, str], modules: dict[str, ast.Module]) -> Iterator[Finding]:
    for path, tree in modules.items():
        for item in machine_paths(tree):
            yield _machine_path(f"{path}:{item.line}", item.what, "error")
    for own in _own_places(ctx):
        for path, text in texts.items():
            at = text.find(own)
            if at >= 0:
                severity: Severity = "warning" if path.endswith(_READ_BY_MODELS) else "error"
                yield _machine_path(f"{path}:{_line(text, at)}", own, severity)


def _own_places(ctx: Context) -> list[str]:
    """Folders of this machine that an artifact has no business to know; short ones would be found in anything."""
    request = ctx.request
    places = [request.workspace, request.home, request.state, request.source]
    return sorted({p.rstrip("/") for p in places if p.count("/") >= 2 and len(p) > 6}, key=len)[:6]


def _machine_path(where: str, path: str, severity: Severity) -> Finding:
    return finding(
        "lint.machine-path",
        f"{visible(path)[:200]!r} is a path of one machine",
        severity=severity,
        where=where,
        fix="take it as an argument, or use PLUGIN_ROOT, PLUGIN_DATA or HARNESSGYM_WORKSPACE from the environment",
    )


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


# ---- what runs before the server does


def _installers(texts: dict[str, str], modules: dict[str, ast.Module]) -> Iterator[Finding]:
    for path, tree in modules.items():
        for item in installs(tree):
            yield _install(f"{path}:{item.line}", f"it runs {item.what!r}")
    for path, text in texts.items():
        name = Path(path).name
        if name in _AT_START or (name.endswith(".pth") and "import" in text):
            yield _install(path, f"{name!r} is run by the interpreter itself, before any server")
        elif name == "package.json" and "node_modules/" not in path:
            yield from _package_json(path, text)
        elif name == "setup.py" and path in modules and not _plain_setup(modules[path]):
            yield _install(path, "setup.py does more than describe the package")


def _install(where: str, what: str) -> Finding:
    fix = "declare `dependencies`; nothing is installed by the artifact"
    return finding("lint.install-code", what, where=where, fix=fix)


def _package_json(path: str, text: str) -> Iterator[Finding]:
    try:
        scripts = json.loads(text).get("scripts", {})
    except (ValueError, AttributeError, RecursionError):
        return
    hooks = {"preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare"}
    for hook in sorted(hooks & set(scripts if isinstance(scripts, dict) else ())):
        yield _install(f"{path} scripts.{hook}", f"it has the install script {hook!r}")


def _plain_setup(tree: ast.Module) -> bool:
    """Imports and one call of setup() with plain values."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        call = node.value if isinstance(node, ast.Expr) else None
        if isinstance(call, ast.Constant):
            continue
        if not isinstance(call, ast.Call) or ast.unparse(call.func) not in ("setup", "setuptools.setup"):
            return False
        if any(k.arg == "cmdclass" for k in call.keywords):
            return False
    return True


# ---- text that works on its reader


def _poison(ctx: Context, texts: dict[str, str]) -> Iterator[Finding]:
    yield from poisoned(_without_self_test(ctx.plugin), "plugin.json", "lint")
    yield from poisoned(ctx.mcp, "mcp.json", "lint")
    for path, text in texts.items():
        if path.startswith("skills/") and path.endswith(_READ_BY_MODELS):
            yield from _in_file(path, text, poison(text), "error")
        elif path.endswith(_CODE):
            yield from _in_file(path, text, [*hidden_characters(text), *pipes_to_shell(text)], "error")
        elif path.endswith(_READ_BY_MODELS):
            yield from _in_file(path, text, poison(text), "warning")


def _without_self_test(plugin: Any) -> Any:
    """No model reads the self-test; it may hold whatever a tool has to cope with."""
    try:
        extensions = {**plugin["extensions"], EXTENSION: {**plugin["extensions"][EXTENSION], "self_test": None}}
        return {**plugin, "extensions": extensions}
    except (TypeError, KeyError):
        return plugin


def _in_file(path: str, text: str, found: Iterable[Poison], severity: Severity) -> Iterator[Finding]:
    for item in found:
        yield finding(
            f"lint.{item.id}",
            f"{item.what}, near {visible(text[max(item.at - 40, 0) : item.at + 80])!r}",
            severity=severity,
            where=f"{visible(path)}:{_line(text, item.at)}",
            fix="delete it, or write it as an escape sequence where code needs the character",
        )
