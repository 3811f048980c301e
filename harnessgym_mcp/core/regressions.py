"""Did a new version of a tool get worse? Its recorded calls against those of the version before."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from harnessgym_mcp.core.policy import Lifecycle

__all__ = ["Calls", "regressions"]


class Calls(Protocol):
    """The calls of one tool in one version. Times in milliseconds, None where there was no call."""

    @property
    def artifact(self) -> str: ...
    @property
    def tool(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def calls(self) -> int: ...
    @property
    def successes(self) -> int: ...
    @property
    def p50_ms(self) -> float | None: ...


def regressions(rows: Sequence[Calls], versions: Mapping[str, tuple[str, str]], policy: Lifecycle) -> list[str]:
    """In words, for each tool that is slower or fails more often than before. `versions` gives an artifact's current
    digest and the one before it; only tools with enough calls in both are compared."""
    by_key = {(r.artifact, r.tool, r.digest): r for r in rows if r.calls >= policy.regression_calls}
    found = []
    for (artifact, tool, digest), now in sorted(by_key.items()):
        current, before = versions.get(artifact, ("", ""))
        then = by_key.get((artifact, tool, before))
        if digest != current or then is None:
            continue
        if now.p50_ms and then.p50_ms and now.p50_ms > then.p50_ms * policy.regression_ratio:
            found.append(f"{artifact}__{tool} takes {now.p50_ms:.1f} ms at the median, {then.p50_ms:.1f} before")
        failing, failed = 1 - now.successes / now.calls, 1 - then.successes / then.calls
        if failing > failed + policy.regression_failures:
            found.append(f"{artifact}__{tool} fails in {failing:.0%} of its calls, {failed:.0%} before")
    return found
