"""What lies in a folder or a client's configuration, format by format, as artifacts to be."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from harnessgym_mcp.core.formats import claude, entries, mcpb
from harnessgym_mcp.core.formats.common import EXTENSION, PLUGIN_SCHEMA, ROOT, WORKSPACE, FormatError
from harnessgym_mcp.core.formats.original import HOME, KINDS, MANIFESTS
from harnessgym_mcp.core.names import OWN
from harnessgym_mcp.errors import NotFoundError
from harnessgym_mcp.qualify.candidates import Bench, Candidate, load_json
from harnessgym_mcp.qualify.programs import files_of_program
from harnessgym_mcp.qualify.read_original import read_original
from harnessgym_mcp.qualify.read_skills import read_skill, read_skills
from harnessgym_mcp.store.evidence import restore_evidence

__all__ = ["read_config", "read_folder"]

_OUR_CLAUDE_MARK = ".claude-plugin/harnessgym.json"


def read_folder(folder: Path, bench: Bench, depth: int = 0) -> list[Candidate]:
    """All that a folder holds, in the first format that it turns out to be in."""
    for fits, read in _FORMATS:
        if fits(folder):
            return read(folder, bench)
    inner = [p for p in _children(folder) if p.is_dir() and not p.is_symlink()]
    if depth < 2 and len(inner) == 1 and len(_children(folder)) == 1:
        return read_folder(inner[0], bench, depth + 1)  # an archive of one folder
    return []


def _children(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.name not in (".git", ".DS_Store"))


def _peek(folder: Path, path: str) -> Any:
    """A file's JSON value, None where there is none."""
    try:
        return load_json(folder, path) if (folder / path).is_file() else None
    except FormatError:
        return None


# ---- artifacts of our own


def _is_ours(folder: Path) -> bool:
    plugin = _peek(folder, "plugin.json")
    return isinstance(plugin, dict) and EXTENSION in (plugin.get("extensions") or {})


def _read_ours(folder: Path, bench: Bench) -> list[Candidate]:
    plugin = load_json(folder, "plugin.json")
    name = str(plugin.get("name") or folder.name)
    return [bench.attempt(name, "artifact", lambda: _ours(folder, bench, name))]


def _ours(folder: Path, bench: Bench, name: str) -> Candidate:
    """The artifact as it was before an export added anything for other readers."""
    if bench.name not in ("", name):
        raise FormatError("--name", f"an artifact keeps its name, {name!r}", hint="change it in its plugin.json")
    mark = _peek(folder, _OUR_CLAUDE_MARK)
    manifest = _peek(folder, mcpb.MANIFEST)
    added = mcpb.added_by_us(manifest)
    told = manifest["_meta"]["io.harnessgym"].get("digest") if added else None
    if isinstance(mark, dict) and isinstance(mark.get("added"), list):
        added, told = [*map(str, mark["added"]), _OUR_CLAUDE_MARK], mark.get("digest")
    place = bench.fresh(name)
    bench.take(folder, place, without=set(added))
    notes = []
    if told and bench.survey(place).digest != told:
        notes.append("it is not what was exported: files were changed since")
    kind: Literal["server", "skill"] = "server" if (place / "mcp.json").exists() else "skill"
    return Candidate(name=name, kind=kind, origin="artifact", folder=place, notes=notes)


def _is_evidence(folder: Path) -> bool:
    return (folder / "tree.json").is_file() and (folder / "verdict.json").is_file() and (folder / "tree").is_dir()


def _read_evidence(folder: Path, bench: Bench) -> list[Candidate]:
    """What was rejected, to be judged again: policy or this machine may have changed since."""
    name = folder.parent.name

    def build() -> Candidate:
        place = bench.fresh(name)
        restore_evidence(folder, place)
        return Candidate(name=name, origin="evidence", folder=place)

    return [bench.attempt(name, "evidence", build)]


def _is_home(folder: Path) -> bool:
    registry = _peek(folder, "registry.json")
    return (
        isinstance(registry, dict) and isinstance(registry.get("artifacts"), dict) and (folder / "generated").is_dir()
    )


def _read_home(folder: Path, bench: Bench) -> list[Candidate]:
    places = [p for p in _children(folder / "generated") if p.is_dir() and _is_ours(p)]
    return [candidate for place in places for candidate in _read_ours(place, bench)]


# ---- MCP bundles


def _is_mcpb(folder: Path) -> bool:
    return mcpb.is_manifest(_peek(folder, mcpb.MANIFEST))


def _read_mcpb(folder: Path, bench: Bench) -> list[Candidate]:
    manifest = load_json(folder, mcpb.MANIFEST)
    name = str(manifest.get("name") or folder.name)
    return [bench.attempt(name, "mcpb", lambda: _bundle(folder, manifest, bench))]


def _bundle(folder: Path, manifest: Mapping[str, Any], bench: Bench) -> Candidate:
    files = {file.path for file in bench.survey(folder).files}
    packages = _project_packages(folder) if mcpb.PYPROJECT in files else []
    draft = mcpb.draft_of(manifest, files, bench.terms, platform=sys.platform, packages=packages)
    place = bench.fresh(draft.name)
    bench.take(folder, place, without={mcpb.MANIFEST, "plugin.json", "mcp.json"})
    return bench.finish(place, draft, "mcpb")


def _project_packages(folder: Path) -> list[str]:
    """`[project] dependencies` of a pyproject.toml. Raises FormatError."""
    import tomllib

    try:
        project = tomllib.loads((folder / mcpb.PYPROJECT).read_text("utf-8")).get("project", {})
        return [str(package) for package in project.get("dependencies", [])]
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise FormatError(mcpb.PYPROJECT, f"it cannot be read: {error}") from error


# ---- plugins of others


def _is_claude(folder: Path) -> bool:
    return isinstance(_peek(folder, claude.PLUGIN_FILE), dict)


def _read_claude(folder: Path, bench: Bench) -> list[Candidate]:
    plugin = load_json(folder, claude.PLUGIN_FILE)
    servers = claude.servers_of(plugin, _peek(folder, claude.MCP_FILE))
    return _read_plugin(folder, bench, plugin, servers, "claude-plugin", "read")


def _is_plugin(folder: Path) -> bool:
    plugin = _peek(folder, "plugin.json")
    return isinstance(plugin, dict) and str(plugin.get("$schema", "")).startswith(
        PLUGIN_SCHEMA.partition("/schemas")[0]
    )


def _read_agent_plugin(folder: Path, bench: Bench) -> list[Candidate]:
    mcp = _peek(folder, "mcp.json")
    servers = entries.entries_of(mcp) if mcp is not None else {}
    servers = {n: {"cwd": ROOT, **e} if isinstance(e, dict) else e for n, e in servers.items()}
    return _read_plugin(folder, bench, load_json(folder, "plugin.json"), servers, "agent-plugin", "none")


def _read_plugin(
    folder: Path, bench: Bench, plugin: Mapping[str, Any], servers: Mapping[str, Any], origin: str, access: str
) -> list[Candidate]:
    """One artifact for each local server; the skills go with a single server, else they are artifacts themselves."""
    local = {name: entry for name, entry in servers.items() if not entries.is_remote(entry)}
    title = str(plugin.get("name") or folder.name)
    found = [_remote(name, origin) for name in servers if name not in local]
    for name, entry in local.items():
        own = title if len(local) == 1 else f"{title}-{name}"
        build = _PluginServer(folder, bench, plugin, own, entry, origin, access, len(local) == 1)
        found.append(bench.attempt(own, origin, build))
    return found if len(local) == 1 else [*found, *read_skills(folder / "skills", bench)]


def _remote(name: str, origin: str) -> Candidate:
    note = "it is reached by URL: there is nothing to judge or to mount here"
    return Candidate(name=name, origin=origin, status="skipped", notes=[note])


class _PluginServer:
    """Builds the artifact of one of a plugin's servers."""

    def __init__(
        self,
        folder: Path,
        bench: Bench,
        plugin: Mapping[str, Any],
        name: str,
        entry: Any,
        origin: str,
        access: str,
        skills: bool,
    ) -> None:
        self.folder, self.bench, self.plugin, self.name = folder, bench, plugin, name
        self.entry, self.origin, self.access, self.skills = entry, origin, access, skills

    def __call__(self) -> Candidate:
        files = {file.path for file in self.bench.survey(self.folder).files}
        entry = entries.entry_of(self.name, self.entry)
        access = "read" if WORKSPACE in json.dumps([entry.words, entry.env, entry.cwd]) else self.access
        program = next((path for path in entries.candidates(entry) if path in files), "")
        draft = entries.draft_of(
            entry,
            program,
            self.bench.terms,
            origin=self.origin,
            access=access,
            description=str(self.plugin.get("description") or ""),
            version=str(self.plugin.get("version") or ""),
            about=self.plugin,
            inside=files,
        )
        place = self.bench.fresh(draft.name)
        left_out = {claude.PLUGIN_FILE, claude.MCP_FILE, "plugin.json", "mcp.json"}
        left_out |= set() if self.skills else {f for f in files if f.startswith("skills/")}
        self.bench.take(self.folder, place, without=left_out)
        return self.bench.finish(place, draft, self.origin)


# ---- a client's configuration


def _has_config(folder: Path) -> bool:
    return isinstance(_peek(folder, claude.MCP_FILE), dict)


def _read_config_of(folder: Path, bench: Bench) -> list[Candidate]:
    return read_config(folder / claude.MCP_FILE, "", bench)


def read_config(path: Path, name: str, bench: Bench) -> list[Candidate]:
    """The entries of a `.mcp.json`, or the one of this name. Raises FormatError, NotFoundError."""
    if not path.is_file():
        raise NotFoundError(f"{str(path)!r} is neither a file nor a folder", hint="check the path")
    found = entries.entries_of(load_json(path.parent, path.name))
    if name and name not in found:
        raise NotFoundError(f"{path.name} has no entry {name[:80]!r}", hint=f"it has: {', '.join(found) or 'none'}")
    root = path.parent.parent if path.parent.name in (".vscode", ".cursor", ".gemini") else path.parent
    return [_config_entry(key, raw, root, bench) for key, raw in found.items() if not name or key == name]


def _config_entry(name: str, raw: Any, root: Path, bench: Bench) -> Candidate:
    if entries.is_remote(raw):
        return _remote(name, "mcp.json")
    if name == OWN:
        return Candidate(name=name, origin="mcp.json", status="skipped", notes=["it is HarnessGym itself"])
    return bench.attempt(name, "mcp.json", lambda: _entry_artifact(name, raw, root, bench))


def _entry_artifact(name: str, raw: Any, root: Path, bench: Bench) -> Candidate:
    root, entry, program = _program(name, raw, root)
    draft = entries.draft_of(entry, program, bench.terms, origin="mcp.json")
    place = bench.fresh(draft.name)
    if program:
        files_of_program(root, program, place, bench)
    else:
        draft.notes.append("no file of the server was found beside the configuration: only its start command was taken")
        place.mkdir()
    return bench.finish(place, draft, "mcp.json")


def _program(name: str, raw: Any, root: Path) -> tuple[Path, entries.Entry, str]:
    """The entry, its program's path, and the folder that both are told from: that of an absolute program, where it
    lies nowhere below the configuration."""
    entry = entries.entry_of(name, raw, str(root))
    found = list(entries.candidates(entry))
    below = next((path for path in found if _is_file_below(root, path)), "")
    outside = next((Path(path) for path in found if path.startswith("/") and Path(path).is_file()), None)
    if below or outside is None or outside.is_relative_to("/usr") or outside.is_relative_to("/bin"):
        return root, entry, below
    return outside.parent, entries.entry_of(name, raw, str(outside.parent)), outside.name


def _is_file_below(root: Path, path: str) -> bool:
    inside = not path.startswith(("/", "..", "${")) and "\0" not in path
    return inside and (root / path).is_file()


# ---- which format


def _is_original(folder: Path) -> bool:
    root = folder / HOME if (folder / HOME).is_dir() else folder
    registry = _peek(root, "registry.json")
    listed = isinstance(registry, dict) and isinstance(registry.get("artifacts"), list)
    named = root.name == HOME and any((root / kind).is_dir() for kind in KINDS.values())
    return listed or named or next((root / "mcp").glob(f"*/{MANIFESTS[-1]}"), None) is not None


def _read_original(folder: Path, bench: Bench) -> list[Candidate]:
    return read_original(folder / HOME if (folder / HOME).is_dir() else folder, bench)


def _is_skill(folder: Path) -> bool:
    return (folder / "SKILL.md").is_file()


def _has_skills(folder: Path) -> bool:
    return next(_skill_files(folder), None) is not None


def _skill_files(folder: Path) -> Iterator[Path]:
    return (folder / "skills").glob("*/SKILL.md")


_FORMATS = (
    (_is_evidence, _read_evidence),
    (_is_ours, _read_ours),
    (_is_original, _read_original),
    (_is_home, _read_home),
    (lambda folder: (folder / HOME).is_dir() and _is_home(folder / HOME), lambda f, bench: _read_home(f / HOME, bench)),
    (_is_mcpb, _read_mcpb),
    (_is_claude, _read_claude),
    (_is_plugin, _read_agent_plugin),
    (_has_config, _read_config_of),
    (_is_skill, lambda folder, bench: [read_skill(folder, bench)]),
    (_has_skills, lambda folder, bench: read_skills(folder / "skills", bench)),
)
