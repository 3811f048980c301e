"""Evidence of rejected trees: readable, complete, and unable to run or be loaded by accident.

quarantine/<name>/<digest12>/
    report.md                       for people
    verdict.json                    for programs
    tree.json                       which files there were, and what could not be kept
    tree/<path>.quarantined         each file's content, never executable
"""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from harnessgym_mcp.core.policy import Limits
from harnessgym_mcp.core.records import decoded, readable
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.verdict import Finding, Verdict, decode_verdict
from harnessgym_mcp.errors import CorruptError, NotFoundError
from harnessgym_mcp.store.atomic import fsync_dir, state_error, write_atomic
from harnessgym_mcp.store.swap import building
from harnessgym_mcp.store.tree import INERT, UNBOUNDED, Problem, Tree, TreeFile, copy_tree, survey

__all__ = ["read_evidence", "restore_evidence", "write_evidence"]


class _Contents(msgspec.Struct, kw_only=True):
    """`tree.json`: the surveyed digest, the files kept, and the problems of what was left out."""

    digest: str
    files: list[TreeFile]
    left_out: list[Problem] = []


def write_evidence(source: Path, folder: Path, verdict: Verdict, limits: Limits) -> None:
    """Fill the new folder with the evidence. What a tree may not hold (links, devices, too large files) is told and
    left out. Raises NotFoundError, TreeRefused when the tree changes meanwhile, StateError."""
    tree, problems = survey(source, limits)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise state_error("make", folder, error) from error
    copy_tree(source, folder / "tree", tree, sync=True, inert=True)
    contents = _Contents(digest=tree.digest, files=list(tree.files), left_out=problems)
    write_atomic(folder / "tree.json", readable(contents))
    write_atomic(folder / "verdict.json", readable(verdict))
    write_atomic(folder / "report.md", _report(verdict, tree, problems).encode())
    fsync_dir(folder)


def read_evidence(folder: Path) -> Verdict:
    """The verdict that is kept as evidence. Raises NotFoundError, CorruptError."""
    try:
        return decode_verdict((folder / "verdict.json").read_bytes())
    except OSError as error:
        raise NotFoundError(f"no evidence in {str(folder)!r}: {error.strerror}", hint="see quarantine/") from error
    except msgspec.MsgspecError as error:
        raise CorruptError(
            f"{str(folder / 'verdict.json')!r}: {error}", hint="restore it from version control"
        ) from error


def restore_evidence(folder: Path, target: Path) -> Tree:
    """Write the rejected tree, as far as it could be kept, into the new folder `target`, names and modes as they were.

    Raises NotFoundError, CorruptError when the evidence is not what it was, StateError.
    """
    contents = _contents(folder / "tree.json")
    kept, problems = survey(folder / "tree", UNBOUNDED, strict=True)
    with building(target) as new:
        copy_tree(folder / "tree", new, kept)
        _revive(new, kept, {f.path for f in contents.files if f.executable})
        tree, _ = survey(new, UNBOUNDED)
        if problems or tree.digest != contents.digest:
            raise CorruptError(f"the evidence in {str(folder)!r} was changed", hint="restore it from version control")
        os.rename(new, target)
    return tree


def _revive(folder: Path, kept: Tree, executables: set[str]) -> None:
    for file in kept.files:
        path = file.path.removesuffix(INERT)
        os.rename(folder / file.path, folder / path)
        if path in executables:
            os.chmod(folder / path, 0o755)


def _contents(path: Path) -> _Contents:
    try:
        return decoded(path.read_bytes(), _Contents)
    except OSError as error:
        raise NotFoundError(f"{str(path)!r}: {error.strerror}", hint="see quarantine/") from error
    except msgspec.MsgspecError as error:
        raise CorruptError(f"{str(path)!r}: {error}", hint="restore it from version control") from error


def _report(verdict: Verdict, tree: Tree, problems: list[Problem]) -> str:
    return "\n".join(_report_lines(verdict, tree, problems)) + "\n"


def _report_lines(verdict: Verdict, tree: Tree, problems: list[Problem]) -> Iterator[str]:
    yield f"# {_code(verdict.name)} {_code(verdict.version)}: {verdict.status}"
    yield ""
    yield f"Digest `{verdict.digest}`, judged by HarnessGym {_code(verdict.harnessgym)} under policy"
    yield f"`{verdict.policy_digest}`. The files are in `tree/`, each with `{INERT}` added to its name."
    yield ""
    yield "## Findings"
    for finding in verdict.findings:
        yield from _finding_lines(finding)
    yield ""
    yield "## Stages"
    yield ""
    for stage in verdict.stages:
        yield f"- {stage.id}: {stage.status}, {stage.ms:.0f} ms {_code(stage.note) if stage.note else ''}".rstrip()
    yield ""
    yield f"## Files: {len(tree.files)} kept, {len(problems)} left out"
    yield ""
    for where, _, what in problems:
        yield f"- left out: {_code(where)}: {_code(what)}"


def _finding_lines(finding: Finding) -> Iterator[str]:
    yield ""
    yield f"- **{finding.severity}** `{finding.id}` {_code(finding.where) if finding.where else ''}".rstrip()
    for label, text in (("what", finding.what), ("fix", finding.fix), ("repro", finding.repro)):
        if text:
            yield f"  - {label}: {_code(text, 600)}"


def _code(text: str, most: int = 200) -> str:
    """Hostile text as an inline code span that it cannot leave."""
    quoted = one_line(text, most).replace("`", "'")
    return f"`` {quoted} ``"
