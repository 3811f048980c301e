"""What an import is forgiven, because it was made for another house: told as warnings, never hidden.

Only lacks are among them that cost an agent a missed opportunity, and none that harms: other formats cannot state what
a right answer is, and a line that is not JSON never reaches a mounted server, since the switchboard answers it itself.
What is built here, in an agent's slot, is forgiven nothing.
"""

from collections.abc import Iterable

import msgspec

from harnessgym_mcp.core.verdict import Finding
from harnessgym_mcp.qualify.context import Context

__all__ = ["excuse"]


def excuse(ctx: Context, found: Iterable[Finding], *ids: str) -> list[Finding]:
    """The findings, those with these ids as warnings if the artifact is an import."""
    imported = ctx.manifest is not None and ctx.manifest.extension.imported_from and not ctx.request.built_here
    return [msgspec.structs.replace(f, severity="warning") if imported and f.id in ids else f for f in found]
