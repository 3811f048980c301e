"""The flaws of an artifact's skills (agentskills.io) as findings."""

from collections.abc import Iterator, Mapping

from harnessgym_mcp.core.skills import files_of, flaws, skill_name
from harnessgym_mcp.core.verdict import Finding, finding

__all__ = ["check_skill"]


def check_skill(path: str, text: str, sizes: Mapping[str, int]) -> Iterator[Finding]:
    """`path` is relative to the artifact: `skills/<name>/SKILL.md`; `sizes` has the bytes of each of its files."""
    own = [sizes[file] for file in files_of(path, sizes)]
    for severity, field, what, fix in flaws(skill_name(path), text, own):
        id = "manifest.skill-key" if severity == "info" else "manifest.skill"
        yield finding(id, what, severity=severity, where=f"{path} {field}".strip(), fix=fix)
