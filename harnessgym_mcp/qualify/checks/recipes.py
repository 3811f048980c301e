"""The start recipe and what a manifest asks for, held against the tree and policy."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from harnessgym_mcp.core.launch import granted
from harnessgym_mcp.core.manifest import ArtifactManifest
from harnessgym_mcp.core.policy import Grants
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.verdict import Finding, finding

__all__ = ["check_permissions", "check_recipe", "entry_files", "in_tree"]

_FETCHERS = frozenset({
    "npx", "npm", "pnpm", "yarn", "bunx", "bun", "deno", "uvx", "uv", "pipx", "pip", "pip3", "conda", "mamba",
    "docker", "podman", "curl", "wget", "git", "apt", "apt-get", "brew", "cargo", "go",
})  # fmt: skip
_SYSTEM = ("/usr/", "/bin/", "/sbin/", "/opt/harness/")
_IN_ROOT = re.compile(r"(?:\$\{PLUGIN_ROOT\}/|\./)(.+)\Z")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


def in_tree(text: str) -> str | None:
    """The path below the root that a command or argument such as `${PLUGIN_ROOT}/a.py` or `./a.py` means."""
    match = _IN_ROOT.match(text)
    return str(PurePosixPath(match[1])) if match else None


def entry_files(manifest: ArtifactManifest, files: dict[str, bool]) -> list[str]:
    """Files of the tree that the start command names, `-m module` included."""
    words = [manifest.command, *manifest.args]
    named = [in_tree(word) or word for word in words]
    for at, word in enumerate(words[:-1]):
        if word == "-m":
            stem = words[at + 1].replace(".", "/")
            named += [f"{stem}.py", f"{stem}/__main__.py"]
    return [name for name in dict.fromkeys(named) if name in files]


def check_recipe(manifest: ArtifactManifest, files: dict[str, bool]) -> Iterator[Finding]:
    """`files` maps each path of the tree to whether it is executable."""
    yield from _command(manifest.command, files)
    for at, argument in enumerate(manifest.args):
        yield from _argument(f"mcp.json args[{at}]", argument, files)
    if ".." in PurePosixPath(manifest.cwd).parts:
        yield finding(
            "manifest.path",
            f"cwd {manifest.cwd!r} leaves the artifact",
            where="mcp.json cwd",
            fix="start it in ${PLUGIN_ROOT}, ${PLUGIN_DATA} or ${HARNESSGYM_WORKSPACE}",
        )
    if "${HARNESSGYM_WORKSPACE}" in str([manifest.args, manifest.env, manifest.cwd]):
        yield from _wants_workspace(manifest)


def _command(command: str, files: dict[str, bool]) -> Iterator[Finding]:
    where, inside, base = "mcp.json command", in_tree(command), PurePosixPath(command).name
    if base in _FETCHERS:
        yield finding(
            "manifest.fetches",
            f"the server is started through {base!r}, which fetches or installs at start",
            where=where,
            fix="ship the server's own files and declare `dependencies`; start them with python3 or node",
        )
    elif inside is not None:
        yield from _argument(where, command, files)
        if inside in files and not files[inside]:
            yield finding(
                "manifest.not-executable",
                f"{inside!r} is not executable",
                where=where,
                fix=f"chmod +x {inside}, or start it through its interpreter",
            )
    elif command.startswith(("/", "~")) or _DRIVE.match(command):
        if not command.startswith(_SYSTEM):
            yield _absolute(where, command)
    elif "/" in command or ".." in command:
        yield finding(
            "manifest.path",
            f"{command!r} is neither a program's name nor a path in the artifact",
            where=where,
            fix="write ./name or ${PLUGIN_ROOT}/name",
        )


def _argument(where: str, argument: str, files: dict[str, bool]) -> Iterator[Finding]:
    inside = in_tree(argument)
    if inside is not None and ".." in PurePosixPath(inside).parts:
        what = f"{argument!r} leaves the artifact"
        yield finding("manifest.path", what, where=where, fix="stay below ${PLUGIN_ROOT}")
    elif inside is not None and inside not in files and not any(f.startswith(inside + "/") for f in files):
        what = f"the artifact has no {inside!r}"
        yield finding("manifest.missing-file", what, where=where, fix="add the file or correct the path")
    elif _is_machine_path(argument):
        yield _absolute(where, argument)


def _is_machine_path(text: str) -> bool:
    rooted = text.startswith(("/", "~/")) or bool(_DRIVE.match(text))
    return rooted and not text.startswith((*_SYSTEM, "/dev/", "/tmp")) and "/" in text[1:]


def _absolute(where: str, path: str) -> Finding:
    return finding(
        "manifest.absolute-path",
        f"{one_line(path)!r} is a path of one machine",
        where=where,
        fix="use ${PLUGIN_ROOT}, ${PLUGIN_DATA} or ${HARNESSGYM_WORKSPACE}",
    )


def _wants_workspace(manifest: ArtifactManifest) -> Iterator[Finding]:
    if manifest.extension.permissions.workspace == "none":
        yield finding(
            "manifest.permission",
            "${HARNESSGYM_WORKSPACE} is used, and the workspace is not asked for",
            where="mcp.json",
            fix='add "permissions": {"workspace": "read"} to the extension',
        )


def check_permissions(manifest: ArtifactManifest, grants: Grants) -> Iterator[Finding]:
    """Everything that is asked for has to be granted: a server must not meet in use what it did not meet here."""
    launch = manifest.launch()
    asked = launch.permissions if launch else None
    if asked is None:
        return
    given = granted(asked, grants)
    for key in ("network", "workspace", "env", "devices"):
        want, have = getattr(asked, key), getattr(given, key)
        if want != have:
            yield finding(
                "manifest.permission",
                f"it asks for {key} {want!r}; policy grants {have!r}",
                where=f"plugin.json permissions.{key}",
                fix=f"do without, or let a person allow it: `grants.{key}` in config.toml",
            )
    if manifest.extension.dependencies.packages and not grants.packages:
        yield finding(
            "manifest.permission",
            "it declares packages; policy grants none",
            where="plugin.json dependencies.packages",
            fix="use the standard library, or let a person allow it: `grants.packages` in config.toml",
        )
