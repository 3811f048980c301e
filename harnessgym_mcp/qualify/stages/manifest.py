"""2 manifest: plugin.json and mcp.json follow their schemas, fit the tree, ask for nothing beyond policy."""

from collections.abc import Iterator
from pathlib import Path

from harnessgym_mcp.core.manifest import EXTENSION, ArtifactManifest, ManifestError, parse_manifest
from harnessgym_mcp.core.pep723 import read_block
from harnessgym_mcp.core.requirements import check_python, check_requirements
from harnessgym_mcp.core.verdict import Finding, finding
from harnessgym_mcp.errors import UsageError
from harnessgym_mcp.qualify.checks.commands import check_skills_commands
from harnessgym_mcp.qualify.checks.recipes import check_permissions, check_recipe, entry_files
from harnessgym_mcp.qualify.checks.skills import check_skill
from harnessgym_mcp.qualify.checks.strict_json import read_strictly
from harnessgym_mcp.qualify.context import Context
from harnessgym_mcp.store.tree import TreeFile

__all__ = ["run"]

_MOST = 1 << 20  # bytes of a manifest
_LONG = 4000  # characters of a description, as for a tool's


async def run(ctx: Context) -> list[Finding]:
    unreadable = [f for name in ("plugin.json", "mcp.json") for f in _unreadable(ctx.root / name)]
    if unreadable:
        return unreadable
    try:
        ctx.manifest = parse_manifest(ctx.plugin, ctx.mcp)
    except ManifestError as error:
        return [_problem(where, what) for where, what in error.problems[:20]]
    ctx.packages, unfit = _packages(ctx, ctx.manifest)
    ctx.skills = sorted(f.path for f in _files(ctx) if _is_skill(f.path))
    return [*unfit, *_whole(ctx, ctx.manifest), *_server(ctx, ctx.manifest), *_skills(ctx)]


def _unreadable(path: Path) -> Iterator[Finding]:
    if not path.exists():
        if path.name == "plugin.json":
            yield finding(
                "manifest.missing",
                "there is no plugin.json",
                where=path.name,
                fix="add one; docs/artifacts.md shows the smallest",
            )
        return
    size = path.stat().st_size
    if size > _MOST:
        what = f"it has {size} bytes; {_MOST} are allowed"
        yield finding("manifest.too-large", what, where=path.name, fix="keep data in files of their own")
        return
    try:
        read_strictly(path.read_bytes())
    except (ValueError, RecursionError) as error:
        yield finding("manifest.json", f"not JSON: {error}", where=path.name, fix="write strict JSON in UTF-8")


def _problem(where: str, what: str) -> Finding:
    return finding("manifest.schema", what, where=where, fix="docs/artifacts.md has every field")


def _files(ctx: Context) -> tuple[TreeFile, ...]:
    return ctx.tree.files if ctx.tree else ()


def _is_skill(path: str) -> bool:
    parts = path.split("/")
    return len(parts) == 3 and parts[0] == "skills" and parts[2] == "SKILL.md"


def _whole(ctx: Context, manifest: ArtifactManifest) -> Iterator[Finding]:
    if not manifest.command and not ctx.skills:
        yield finding(
            "manifest.empty",
            "there is neither a server (mcp.json) nor a skill (skills/<name>/SKILL.md)",
            where="plugin.json",
            fix="add mcp.json with one stdio server, or a skill",
        )
    if not manifest.description.strip():
        yield finding(
            "manifest.description",
            "the artifact has no description",
            severity="warning",
            where="plugin.json description",
            fix="say in one sentence what it is for",
        )
    elif len(manifest.description) > _LONG:
        yield finding(
            "manifest.description",
            f"the description has {len(manifest.description)} characters; {_LONG} are allowed",
            where="plugin.json description",
            fix="say in one sentence what it is for",
        )
    extends = manifest.extension.extends
    if extends and extends not in {k.name for k in ctx.request.known} | {manifest.name}:
        yield finding(
            "manifest.extends",
            f"it extends {extends!r}, which is not among the artifacts",
            severity="warning",
            where=f'plugin.json extensions["{EXTENSION}"].extends',
            fix="name an existing artifact or leave it out",
        )


def _packages(ctx: Context, manifest: ArtifactManifest) -> tuple[list[str], list[Finding]]:
    """The declared requirements and those in the server script's own block (PEP 723), checked."""
    declared = manifest.extension.dependencies
    wanted = list(declared.packages)
    where = "plugin.json dependencies"
    try:
        check_python(declared.python)
        for path in entry_files(manifest, {f.path: f.executable for f in _files(ctx)}):
            if path.endswith(".py"):
                where = path
                block = read_block((ctx.root / path).read_text("utf-8", "replace"))
                wanted += block.dependencies if block else ()
        return list(check_requirements(wanted)), []
    except UsageError as error:
        return [], [finding("manifest.requirement", error.message, where=where, fix=error.hint)]


def _server(ctx: Context, manifest: ArtifactManifest) -> Iterator[Finding]:
    if manifest.command:
        yield from check_recipe(manifest, {f.path: f.executable for f in _files(ctx)})
        yield from check_permissions(manifest, ctx.policy.grants)
    else:
        declared = manifest.extension.dependencies.commands
        yield from check_skills_commands(declared, "plugin.json dependencies.commands")


def _skills(ctx: Context) -> Iterator[Finding]:
    sizes = {file.path: file.size for file in _files(ctx)}
    for path in ctx.skills:
        text = (ctx.root / path).read_text("utf-8", "replace")
        yield from check_skill(path, text, sizes)
