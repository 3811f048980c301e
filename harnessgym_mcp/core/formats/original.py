"""Bundles of the original HarnessGym: `.harnessgym/` trees with `mcp/*/{mcp,server,harnessgym-mcp}.json` manifests.

There, a manifest's relative paths and its `cwd` start at the workspace, and the server's own files lie in the
workspace's `.harnessgym/`. So that such a server still finds everything, it is started by `in_workspace.py` in a view
of the workspace that has the bundle's files in their places.
"""

import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any

from harnessgym_mcp.core.formats.common import (
    DATA,
    ROOT,
    Draft,
    FormatError,
    Recipe,
    Terms,
    artifact_name,
    fitting_name,
    mcp_json,
    plain_command,
    plugin_json,
    texts,
)
from harnessgym_mcp.core.policy import Limits

__all__ = ["HOME", "KINDS", "LAUNCHER", "MANIFESTS", "Server", "draft_of", "quarantined", "server_of", "told_of"]

HOME = ".harnessgym"
MANIFESTS = ("mcp.json", "server.json", "harnessgym-mcp.json")
KINDS = {
    "skill": "skills",
    "mcp": "mcp",
    "tool": "tools",
    "verifier": "verifiers",
    "fixture": "fixtures",
    "test": "tests",
    "docs": "docs",
    "script": "scripts",
}
LAUNCHER = "in_workspace.py"

_ABSOLUTE = re.compile(r"/|[A-Za-z]:[\\/]|~/")
_STARTUP = (("startup_timeout_sec",), ("startup_seconds", "startup_timeout_sec"), ("initialize_ms", "startup_ms"))
_CALL = (("tool_timeout_sec",), ("tool_seconds", "tool_timeout_sec"), ("tool_call_ms", "tool_ms"))
_MOST_MS = {"startup_ms": 120_000, "call_ms": 290_000}  # what a manifest may ask for


@dataclass(slots=True)
class Server:
    """One manifest, normalised: `cwd` is relative to the workspace, `self_test` is a command and its cwd."""

    name: str
    command: list[str]
    cwd: str = "."
    description: str = ""
    tools: list[str] = field(default_factory=list)
    limits: dict[str, int] = field(default_factory=dict)
    self_test: tuple[list[str], str] | None = None
    notes: list[str] = field(default_factory=list)


def server_of(manifest: Any, folder: str, files: Collection[str]) -> Server:
    """Read one manifest. `folder` names its folder; `files` are the bundle's, relative to the workspace.

    Raises FormatError.
    """
    manifest = _inner(manifest)
    if not isinstance(manifest.get("command"), str) or not manifest["command"]:
        raise FormatError("command", "there is none")
    paths = _Paths(files, manifest.get("cwd"))
    server = Server(str(manifest.get("name") or folder), paths.command(manifest["command"]))
    server.command += [paths.argument(a) for a in texts(manifest.get("args", []), "args")]
    server.cwd = paths.cwd
    server.description = str(manifest.get("description") or "")
    server.tools = texts(manifest.get("enabled_tools") or [], "enabled_tools")
    server.limits = _limits(manifest, server.notes)
    server.self_test = _self_test(manifest, server, paths)
    if paths.rewritten:
        server.notes.append(f"paths of another machine were taken as the workspace's: {', '.join(paths.rewritten)}")
    return server


def _inner(manifest: Any) -> dict[str, Any]:
    """Also the form {"mcpServers": {name: {...}}} with one server."""
    if not isinstance(manifest, dict):
        raise FormatError("manifest", "it is not a JSON object")
    servers = manifest.get("mcpServers")
    if "command" not in manifest and isinstance(servers, dict) and len(servers) == 1:
        name, entry = next(iter(servers.items()))
        return {"name": name, **manifest, **(entry if isinstance(entry, dict) else {})}
    return manifest


class _Paths:
    """A manifest's paths as paths in the workspace."""

    def __init__(self, files: Collection[str], cwd: Any) -> None:
        self.rewritten: list[str] = []
        self._files = files
        self._folders = {str(parent) for file in files for parent in PurePosixPath(file).parents}
        self._foreign = ""  # where the bundle's workspace once was
        self.cwd = self.folder(cwd)

    def folder(self, cwd: Any) -> str:
        """A working directory; an absolute one is another machine's name for the workspace, or for a folder of it."""
        if cwd is None or cwd == "":
            return "."
        if not isinstance(cwd, str):
            raise FormatError("cwd", "it has to be text")
        if not _ABSOLUTE.match(cwd):
            return self._below(cwd, "cwd")
        inside = self._inside(cwd, self._folders)
        self._foreign = cwd.rstrip("/").removesuffix("/" + inside) if inside else cwd.rstrip("/")
        self.rewritten.append(cwd)
        return inside or "."

    def argument(self, text: str) -> str:
        """Relative ones stay as they are (without a leading `./`), absolute ones into the bundle become relative."""
        if text.startswith("./"):
            return text[2:] or "."
        if not _ABSOLUTE.match(text):
            return text
        inside = self._inside(text, {*self._files, *self._folders})
        if not inside and self._foreign and text.startswith(self._foreign + "/"):
            inside = text.removeprefix(self._foreign + "/")
        if not inside:
            return text
        self.rewritten.append(text)
        return _relative(inside, self.cwd)

    def command(self, text: str) -> list[str]:
        """A program by name, or one of the workspace's files by its path in the view."""
        text = plain_command(self.argument(text)) if _ABSOLUTE.match(text) else plain_command(text)
        if "/" in text and not _ABSOLUTE.match(text):
            return [f"{DATA}/workspace/{self._below(f'{self.cwd}/{text}', 'command')}"]
        return [text]

    def _inside(self, path: str, known: Collection[str]) -> str:
        """The part of a path from `.harnessgym` on, if the bundle has it."""
        parts = path.replace("\\", "/").split("/")
        tails = ("/".join(parts[at:]).rstrip("/") for at, part in enumerate(parts) if part == HOME)
        return next((tail for tail in tails if tail in known), "")

    def _below(self, path: str, where: str) -> str:
        plain = normpath(path.replace("\\", "/"))
        if plain == ".." or plain.startswith("../"):
            raise FormatError(where, f"{path[:200]!r} leads out of the workspace")
        return plain


def _relative(path: str, start: str) -> str:
    from posixpath import relpath

    return relpath("/" + path, "/" + start)


def _limits(manifest: Mapping[str, Any], notes: list[str]) -> dict[str, int]:
    nested = manifest.get("timeouts")
    nested = nested if isinstance(nested, dict) else {}
    found = {
        "startup_ms": _milliseconds(manifest, nested, *_STARTUP),
        "call_ms": _milliseconds(manifest, nested, *_CALL),
    }
    for key, value in found.items():
        if value and value > _MOST_MS[key]:
            notes.append(f"{key} {value} is more than a manifest may ask for; it was set to {_MOST_MS[key]}")
    return {key: min(value, _MOST_MS[key]) for key, value in found.items() if value}


def _milliseconds(
    manifest: Mapping[str, Any],
    nested: Mapping[str, Any],
    keys: tuple[str, ...],
    seconds: tuple[str, ...],
    millis: tuple[str, ...],
) -> int | None:
    """The first that is stated: flat seconds, nested seconds, nested milliseconds."""
    for source, names, factor in ((manifest, keys, 1000), (nested, seconds, 1000), (nested, millis, 1)):
        for name in names:
            if source.get(name) is not None:
                return max(int(_number(source[name], name) * factor), 1)
    return None


def _number(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise FormatError(where, f"{str(value)[:60]!r} is not a number") from None
    if isinstance(value, bool) or not 0 < number < 1e9:
        raise FormatError(where, f"{str(value)[:60]} is not a time")
    return number


def _self_test(manifest: Mapping[str, Any], server: Server, paths: _Paths) -> tuple[list[str], str] | None:
    """True (the server's command with --self-test), a command line, a list, or {command, args, cwd, ...}."""
    raw = manifest.get("self_test")
    if raw is True:
        return [*server.command, "--self-test"], server.cwd
    if not raw:
        return None
    cwd = server.cwd
    if isinstance(raw, dict):
        cwd = paths.folder(raw["cwd"]) if raw.get("cwd") is not None else cwd
        raw = _words(raw.get("command"), raw.get("args") or [])
    words = texts(shlex.split(raw) if isinstance(raw, str) else raw, "self_test")
    if not words:
        return None
    return [*paths.command(words[0]), *(paths.argument(word) for word in words[1:])], cwd


def _words(command: Any, args: Any) -> list[str]:
    if isinstance(command, list):
        return texts(command, "self_test.command")
    if not isinstance(command, str):
        raise FormatError("self_test.command", "it has to be text or a list")
    return [command, *texts(args, "self_test.args")] if args else shlex.split(command)


def draft_of(server: Server, terms: Terms, *, description: str = "", iteration: object = None) -> Draft:
    """The artifact's manifests. Its files belong below `bundle/`, beside LAUNCHER."""
    name = fitting_name(artifact_name(server.name), server.tools, Limits().callable_chars)
    notes = list(server.notes)
    if name != server.name:
        notes.append(f"it was called {server.name!r}")
    extension: dict[str, Any] = {"imported_from": "harnessgym"}
    extension |= {"iteration": str(iteration)} if iteration is not None else {}
    extension |= {"dependencies": {"packages": list(terms.packages)}} if terms.packages else {}
    extension |= {"permissions": {"workspace": terms.access or "write"}, "determinism": "measured"}
    extension |= {"limits": server.limits} if server.limits else {}
    extension |= {"framing": "headers"}  # its prompts demanded them
    if server.self_test:
        words, cwd = server.self_test
        extension["self_test"] = {"command": ["python3", f"{ROOT}/{LAUNCHER}", cwd, *words]}
    else:
        notes.append("it has no self-test: only what every server must do was judged")
    about = server.description or description or f"{server.name}, from a bundle of the original HarnessGym"
    recipe = Recipe("python3", (f"{ROOT}/{LAUNCHER}", server.cwd, *server.command))
    return Draft(name, plugin_json(name, about, extension), mcp_json(name, recipe), notes)


# ---- its registry


def told_of(registry: Any) -> dict[str, dict[str, Any]]:
    """Path -> entry of an original registry.json, as far as it can be read."""
    listed = registry.get("artifacts") if isinstance(registry, dict) else None
    entries = listed if isinstance(listed, list) else []
    return {normpath(entry["path"]): entry for entry in entries if _usable(entry)}


def _usable(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("path"), str)


def quarantined(entry: Mapping[str, Any]) -> str:
    """Why an entry is in quarantine there; "" when it is not."""
    metadata = entry.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    held = metadata.get("quarantine")
    if isinstance(held, dict) and held.get("status") == "quarantined":
        return str(held.get("reason") or "no reason on record")
    return "no reason on record" if metadata.get("quarantined") else ""
