"""Context economy: which mounted artifacts are listed to a model, and which are only to be found.

A listed tool costs its definition's tokens in every request of every session. Under `auto`, artifacts are listed as
long as all of them fit the budget; beyond it only the pinned ones and those used or published lately, most recent
first; the rest is found through `harnessgym.tools` and called through `harnessgym.call`, or by name all the same.
"""

from collections.abc import Iterable, Mapping

from harnessgym_mcp.core.catalog import Tool
from harnessgym_mcp.core.policy import Context

__all__ = ["hidden_artifacts", "tokens", "tokens_by_artifact"]

_CHARACTERS = 4.0  # characters of JSON for one token, about; exact counts are each model's own


def tokens(tool: Tool) -> int:
    """What listing a tool costs, estimated."""
    return round(len(tool.json) / _CHARACTERS)


def tokens_by_artifact(tools: Iterable[Tool]) -> dict[str, int]:
    """Artifact -> estimated tokens of its tools; own tools under ""."""
    out: dict[str, int] = {}
    for tool in tools:
        out[tool.artifact] = out.get(tool.artifact, 0) + tokens(tool)
    return out


def hidden_artifacts(
    costs: Mapping[str, int], policy: Context, pinned: Iterable[str], used: Mapping[str, float]
) -> frozenset[str]:
    """The artifacts that are not listed. `used` gives when each was last used or published, as far as that is known
    and within policy's window."""
    artifacts = {name: cost for name, cost in costs.items() if name}
    if policy.expose == "all":
        return frozenset()
    if policy.expose == "auto" and sum(artifacts.values()) <= policy.budget_tokens:
        return frozenset()
    kept = {name for name in pinned if name in artifacts}
    if policy.expose == "auto":
        left = policy.budget_tokens - sum(artifacts[name] for name in kept)
        for name in sorted(used, key=lambda n: (-used[n], n)):
            if name in artifacts and name not in kept and artifacts[name] <= left:
                kept.add(name)
                left -= artifacts[name]
    return frozenset(artifacts) - kept
