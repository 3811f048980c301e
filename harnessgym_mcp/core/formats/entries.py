"""Entries of `.mcp.json` and its relatives: how a client starts a server, as a recipe that carries the server's files.

A client starts it in the project, with the user's whole environment. Here the program's own files go into the artifact,
everything else that is relative stays the workspace's, and variables have to be granted by name.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any

from harnessgym_mcp.core.formats.common import (
    DATA,
    ROOT,
    WORKSPACE,
    Draft,
    FormatError,
    Recipe,
    Terms,
    artifact_name,
    mcp_json,
    plain_command,
    plugin_json,
    texts,
)
from harnessgym_mcp.core.text import redact

__all__ = ["Entry", "candidates", "draft_of", "entries_of", "entry_of", "is_remote"]

_VARIABLE = re.compile(r"\$\{([^}:]+)(?::-([^}]*))?\}")
_PLACES = {
    "CLAUDE_PLUGIN_ROOT": ROOT,
    "PLUGIN_ROOT": ROOT,
    "__dirname": ROOT,
    "CLAUDE_PLUGIN_DATA": DATA,
    "PLUGIN_DATA": DATA,
    "CLAUDE_PROJECT_DIR": WORKSPACE,
    "HARNESSGYM_WORKSPACE": WORKSPACE,
    "workspaceFolder": WORKSPACE,
    "PWD": WORKSPACE,
    "/": "/",
    "pathSeparator": "/",
}
"""Variables of other formats that name a place."""

_SECRET_NAME = re.compile(r"(?i)key|token|secret|passw|credential|auth")
_OURS = {"PATH", "HOME", "LD_PRELOAD", "LD_LIBRARY_PATH", "PLUGIN_ROOT", "PLUGIN_DATA", "HARNESSGYM_WORKSPACE"}
_INTERPRETER = re.compile(r"(?:python|pypy|node|ruby|perl|php|lua|bash|sh|zsh|deno|bun)[0-9.]*")
_INTERPRETER_VALUES = {"-X", "-W", "-r", "--require", "--import", "--loader", "-I"}
_TAKES_VALUE = {"--with", "--directory", "--project", "--python", "-p", "--extra", "--group", "--env-file"}  # uv


@dataclass(slots=True)
class Entry:
    """One entry, its variables replaced by ours; `wants` are environment variables that it needs from outside."""

    name: str
    words: list[str]
    env: dict[str, str] = field(default_factory=dict)
    cwd: str = ""
    wants: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def entries_of(config: Any) -> dict[str, Any]:
    """Name -> entry of a client's configuration: `mcpServers`, or VS Code's `servers`. Raises FormatError."""
    if not isinstance(config, dict):
        raise FormatError("the file", "it is not a JSON object")
    for key in ("mcpServers", "servers"):
        if isinstance(config.get(key), dict):
            return dict(config[key])
    raise FormatError(
        "mcpServers", "there is none", hint='expected {"mcpServers": {NAME: {"command": ..., "args": []}}}'
    )


def is_remote(entry: Any) -> bool:
    """A server that is reached by URL: there is nothing to carry."""
    return isinstance(entry, dict) and "command" not in entry and isinstance(entry.get("url"), str)


def entry_of(name: str, raw: Any, root: str = "") -> Entry:
    """Read one entry; `root` is the folder of its file, as other paths name it. Raises FormatError."""
    if not isinstance(raw, dict) or not isinstance(raw.get("command"), str) or not raw["command"]:
        raise FormatError(f"{name}.command", "there is none")
    entry = Entry(name, [])
    words = [raw["command"], *texts(raw.get("args", []), f"{name}.args")]
    entry.words = [_below(_replaced(w, f"{name}.args"), root) for w in words]
    entry.cwd = _cwd(name, raw.get("cwd"), root)
    environment = raw.get("env") or {}
    if not isinstance(environment, dict):
        raise FormatError(f"{name}.env", "it has to be an object")
    for key, value in environment.items():
        _variable(entry, str(key), value if isinstance(value, str) else str(value), root)
    _unwrap_uv(entry)
    entry.words[0] = plain_command(entry.words[0])
    return entry


def _replaced(text: str, where: str) -> str:
    """Variables that name a place, and defaults; raises FormatError for what only the user's environment knows."""

    def put(match: re.Match[str]) -> str:
        if match[1] in _PLACES:
            return _PLACES[match[1]]
        if match[2] is not None:
            return match[2]
        what = f"{match[0]} is a variable of the user's environment"
        raise FormatError(where, what, hint="write its value, or give it as an `env` entry of the same name")

    return _VARIABLE.sub(put, text)


def _below(text: str, root: str) -> str:
    """A path below the file's own folder as a relative one."""
    if root and (text == root or text.startswith(root + "/")):
        return text[len(root) + 1 :] or "."
    return text


def _cwd(name: str, cwd: Any, root: str) -> str:
    if cwd is None or cwd == "":
        return ""
    if not isinstance(cwd, str):
        raise FormatError(f"{name}.cwd", "it has to be text")
    return normpath(_below(_replaced(cwd, f"{name}.cwd"), root))


def _variable(entry: Entry, key: str, value: str, root: str) -> None:
    """Into the manifest, unless it is, or looks like, something that must not be written down."""
    if key in _OURS:
        entry.notes.append(f"the variable {key} is not taken over: the sandbox sets it")
    elif value == f"${{{key}}}" or value == f"${key}":
        entry.wants.append(key)
    elif (_SECRET_NAME.search(key) or redact(value) != value) and not _VARIABLE.fullmatch(value):
        entry.wants.append(key)
        entry.notes.append(f"the value of {key} is not written down: set it in your environment and grant it")
    else:
        entry.env[key] = _below(_replaced(value, f"{entry.name}.env.{key}"), root)


def _unwrap_uv(entry: Entry) -> None:
    """`uv run [options] script ...`: packages are declared, uv is not needed inside."""
    if PurePosixPath(entry.words[0]).name != "uv" or "run" not in entry.words:
        return
    options, rest = _uv_options(entry.words[1:])
    if not rest:
        return
    entry.packages += [package for value in options.get("--with", []) for package in value.split(",")]
    for folder in (options.get("--directory") or options.get("--project") or [])[-1:]:
        entry.cwd = normpath(folder)
    if rest[0].endswith(".py") or rest[0] == "-m":
        rest = ["python3", *rest]
    entry.words = rest


def _uv_options(words: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """uv's own options, and the command that it would run."""
    options: dict[str, list[str]] = {}
    rest = iter(words)
    ran = False
    for word in rest:
        key, equals, value = word.partition("=")
        if key in _TAKES_VALUE:
            options.setdefault(key, []).append(value if equals else next(rest, ""))
        elif word == "run" and not ran:
            ran = True
        elif not word.startswith("-") or word == "-m":
            return options, [word, *rest]
    return options, []


# ---- the program's files


def candidates(entry: Entry) -> Iterator[str]:
    """Paths relative to the root that may be the program: the command itself, or what an interpreter is given first.

    Nothing else is ever taken for one: other arguments may name files that are nobody's business.
    """
    command, *rest = entry.words
    if "/" in command:
        yield _at(entry.cwd, command)
    if not _INTERPRETER.fullmatch(PurePosixPath(command).name):
        return
    words = iter(rest)
    for word in words:
        if word == "-m":
            stem = next(words, "").replace(".", "/")
            yield from (_at(entry.cwd, path) for path in (f"{stem}.py", f"{stem}/__main__.py"))
            return
        if word in _INTERPRETER_VALUES:
            next(words, None)
        elif not word.startswith("-"):
            yield _at(entry.cwd, word)
            return


def _at(cwd: str, path: str) -> str:
    path = path.removeprefix(ROOT + "/").removeprefix(WORKSPACE + "/")
    base = cwd.removeprefix(ROOT).removeprefix(WORKSPACE).lstrip("/")
    return normpath(f"{base}/{path}" if base and not path.startswith("/") else path)


def draft_of(
    entry: Entry,
    program: str,
    terms: Terms,
    *,
    origin: str,
    access: str = "read",
    description: str = "",
    version: str = "",
    about: Mapping[str, Any] | None = None,
    inside: Collection[str] = (),
) -> Draft:
    """The manifests of an entry whose program lies at `program` in the artifact ("" where none was found).

    `inside` are further paths that are taken as the artifact's own.
    """
    name = artifact_name(entry.name)
    args, env = _own_files(entry, program, set(inside))
    access = terms.access or access
    packages = list(dict.fromkeys([*entry.packages, *terms.packages]))
    extension: dict[str, Any] = {"imported_from": origin}
    extension |= {"dependencies": {"packages": packages}} if packages else {}
    permissions = {"workspace": access} | ({"env": entry.wants} if entry.wants else {})
    extension |= {"permissions": permissions, "determinism": "measured"}
    recipe = Recipe(args[0], tuple(args[1:]), env, _start(entry, access))
    told = description or f"{entry.name}, imported"
    notes = [*entry.notes, "it has no self-test: only what every server must do was judged"]
    return Draft(name, plugin_json(name, told, extension, version=version, about=about), mcp_json(name, recipe), notes)


def _start(entry: Entry, access: str) -> str:
    """Where it is started: in the workspace as clients do it, where it may see that."""
    if entry.cwd.startswith((ROOT, DATA)):
        return entry.cwd
    base = WORKSPACE if access != "none" else ROOT
    below = entry.cwd.removeprefix(WORKSPACE).lstrip("/")
    return f"{base}/{below}" if below not in ("", ".") and not below.startswith("/") else base


def _own_files(entry: Entry, program: str, inside: set[str]) -> tuple[list[str], dict[str, str]]:
    """The words with the artifact's own files below ROOT. A module is never looked for in the workspace."""
    own = inside | {program} - {""}
    words, env = [], dict(entry.env)
    for word in entry.words:
        path = _at(entry.cwd, word) if not word.startswith("-") else ""
        words.append(f"{ROOT}/{path}" if path in own else word)
    if "-m" in words and program:
        module = words[words.index("-m") + 1].replace(".", "/")
        above = program.removesuffix(".py").removesuffix("/__main__").removesuffix(module).rstrip("/")
        env.setdefault("PYTHONPATH", f"{ROOT}/{above}".rstrip("/"))
        words.insert(1, "-P")
    return words, env
