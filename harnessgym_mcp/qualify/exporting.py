"""Exports: an artifact in another format, with the same bytes each time it is done."""

import io
import json
import os
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from harnessgym_mcp.core.digest import sha256
from harnessgym_mcp.core.formats import claude, mcpb, server_json
from harnessgym_mcp.core.formats.common import ROOT, FormatError, dump
from harnessgym_mcp.core.launch import Launch
from harnessgym_mcp.core.lifecycle import Artifact, find
from harnessgym_mcp.errors import StateError, UsageError
from harnessgym_mcp.qualify.checks.recipes import in_tree
from harnessgym_mcp.store.atomic import write_atomic
from harnessgym_mcp.store.publish import Stores
from harnessgym_mcp.store.swap import building, condemn, swap_in
from harnessgym_mcp.store.tree import UNBOUNDED, Tree, survey

__all__ = ["FORMATS", "Exported", "export"]

Format = Literal["mcpb", "plugin", "claude", "registry"]
FORMATS: tuple[Format, ...] = ("mcpb", "plugin", "claude", "registry")

_MARK = ".claude-plugin/harnessgym.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip archive can tell


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What was written: `sha256` and `bytes` are the file's ("" and 0 for a folder), `digest` is the artifact's."""

    name: str
    version: str
    digest: str
    format: str
    path: str
    sha256: str = ""
    bytes: int = 0
    added: list[str] = []
    notes: list[str] = []


@dataclass(frozen=True, slots=True)
class _Source:
    """An artifact's current version, its content checked."""

    artifact: Artifact
    root: Path
    tree: Tree

    @property
    def plugin(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.root / "plugin.json").read_bytes())
        return value

    @property
    def launch(self) -> Launch | None:
        return self.artifact.version.launch

    def contents(self, added: dict[str, str]) -> dict[str, tuple[bytes, bool]]:
        """Path -> content and executable bit of all files, the added ones included."""
        files = {f.path: ((self.root / f.path).read_bytes(), f.executable) for f in self.tree.files}
        return files | {path: (text.encode(), False) for path, text in added.items()}


def export(
    stores: Stores, name: str, format: Format, out: Path | None = None, *, namespace: str = "", url: str = ""
) -> Exported:
    """Write an artifact's current version to `out`, or to a file in the current folder that is named for it.

    `claude` with an `out` that does not end in .zip writes a folder. `namespace` and `url` are the registry's. Raises
    NotFoundError, FormatError where the format cannot carry it, StateError.
    """
    source = _source(stores, name)
    notes: list[str] = []
    if format == "plugin":
        return _write_zip(source, format, out, {}, notes)
    if format == "claude":
        return _claude(source, out, notes)
    added = _bundle(source, notes)
    if format == "mcpb":
        return _write_zip(source, format, out, added, notes)
    return _registry(source, out, added, namespace, url, notes)


def _source(stores: Stores, name: str) -> _Source:
    artifact = find(stores.registry.load(), name)
    for root in (stores.objects.path(artifact.current), stores.home.generated(name)):
        if root and root.is_dir():
            tree, problems = survey(root, UNBOUNDED)
            if tree.digest == artifact.current and not problems:
                return _Source(artifact, root, tree)
    raise StateError(
        f"the content of {name} at {artifact.current[:19]} is not on this machine",
        hint="take generated/ from version control, or submit it again",
    )


# ---- formats


def _bundle(source: _Source, notes: list[str]) -> dict[str, str]:
    launch = source.launch
    if launch is None:
        raise FormatError(source.artifact.name, "an MCP bundle needs a server", hint="use --format plugin or claude")
    _told(launch, notes)
    added = mcpb.files_for(
        source.plugin,
        launch,
        _entry_point(source, launch),
        source.artifact.version.tools,
        source.artifact.current,
        uses_data=_uses_data(source),
    )
    return _free(source, added, keep=frozenset({mcpb.PYPROJECT}))


def _claude(source: _Source, out: Path | None, notes: list[str]) -> Exported:
    server = source.artifact.name
    if source.launch:
        _told(source.launch, notes)
        server = next(iter(json.loads((source.root / "mcp.json").read_bytes())["mcpServers"]))
    added = claude.files_for(source.plugin, server, source.launch)
    mark = {"digest": source.artifact.current, "added": sorted(added)}
    added = _free(source, {**added, _MARK: dump(mark)})
    if out is None or out.suffix == ".zip":
        return _write_zip(source, "claude", out, added, notes)
    return _write_folder(source, out, added, notes)


def _registry(
    source: _Source, out: Path | None, added: dict[str, str], namespace: str, url: str, notes: list[str]
) -> Exported:
    bundle = _zip(source.contents(added))
    file = f"{_stem(source)}.mcpb"
    if not url:
        notes.append(f"before it is published, {file} needs a place: give its --url")
    if not namespace and server_json.namespace_of(source.plugin) == "local":
        notes.append("before it is published, it needs a namespace of yours: give --namespace io.github.NAME")
    value = server_json.server_json(
        source.plugin,
        source.artifact.version.tools,
        source.artifact.current,
        namespace=namespace or server_json.namespace_of(source.plugin),
        url=url or file,
        sha256=sha256(bundle).removeprefix("sha256:"),
    )
    return _save(source, "registry", out or Path("server.json"), dump(value).encode(), [], notes)


def _told(launch: Launch, notes: list[str]) -> None:
    notes.append("outside HarnessGym it runs without the sandbox")
    if launch.cwd != ROOT:
        notes.append(f"the format cannot say where a server starts: {launch.cwd!r} is left out")


def _free(source: _Source, added: dict[str, str], keep: frozenset[str] = frozenset()) -> dict[str, str]:
    """What is to be added, unless the artifact has files of these names; those in `keep` stay the artifact's."""
    own = {file.path for file in source.tree.files}
    if taken := sorted((own & added.keys()) - keep):
        raise FormatError(taken[0], "the artifact has a file of its own by this name", hint="use --format plugin")
    return {path: text for path, text in added.items() if path not in own}


def _entry_point(source: _Source, launch: Launch) -> str:
    """The file of the tree that the start command names first; else the command itself."""
    own = {file.path for file in source.tree.files}
    words = [in_tree(word) or word for word in (launch.command, *launch.args)]
    return next((word for word in words if word in own), launch.command)


def _uses_data(source: _Source) -> bool:
    return any(b"PLUGIN_DATA" in (source.root / file.path).read_bytes() for file in source.tree.files)


# ---- writing


def _stem(source: _Source) -> str:
    version = "".join(c if c.isalnum() or c in ".-_+" else "-" for c in source.artifact.version.version)
    return f"{source.artifact.name}-{version}"


def _write_zip(source: _Source, format: Format, out: Path | None, added: dict[str, str], notes: list[str]) -> Exported:
    ending = {"mcpb": ".mcpb", "plugin": ".zip", "claude": "-claude.zip"}[format]
    data = _zip(source.contents(added))
    return _save(source, format, out or Path(_stem(source) + ending), data, sorted(added), notes)


def _zip(contents: dict[str, tuple[bytes, bool]]) -> bytes:
    """Stored, not compressed: the bytes then depend on no library's version."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, (data, executable) in sorted(contents.items()):
            member = zipfile.ZipInfo(path, _EPOCH)
            member.create_system = 3
            member.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
            archive.writestr(member, data)
    return buffer.getvalue()


def _save(source: _Source, format: Format, path: Path, data: bytes, added: list[str], notes: list[str]) -> Exported:
    path = Path(os.path.abspath(path))
    if path.is_dir():
        raise UsageError(f"{str(path)!r} is a folder", hint="-o names the file to write")
    write_atomic(path, data)
    return Exported(
        name=source.artifact.name,
        version=source.artifact.version.version,
        digest=source.artifact.current,
        format=format,
        path=str(path),
        sha256=sha256(data),
        bytes=len(data),
        added=added,
        notes=notes,
    )


def _write_folder(source: _Source, out: Path, added: dict[str, str], notes: list[str]) -> Exported:
    """A folder in one rename; a former export of ours is replaced, anything else stays."""
    out = Path(os.path.abspath(out))
    if os.path.lexists(out) and not (out / _MARK).is_file():
        raise UsageError(f"{str(out)!r} is there already", hint="name a new folder, or a file that ends in .zip")
    with building(out) as new:
        for path, (data, executable) in source.contents(added).items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_bytes(data)
            (new / path).chmod(0o755 if executable else 0o644)
        old = swap_in(new, out)
    if old:
        condemn(old)
    artifact = source.artifact
    return Exported(
        name=artifact.name,
        version=artifact.version.version,
        digest=artifact.current,
        format="claude",
        path=str(out),
        added=sorted(added),
        notes=notes,
    )
