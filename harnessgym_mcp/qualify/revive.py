"""A server in place of one that died or hangs, so that one broken tool does not hide what the others do."""

from harnessgym_mcp.core.verdict import Finding
from harnessgym_mcp.qualify.context import Context

__all__ = ["revive"]


_MOST = 5  # servers in all; what ends more of them has been shown often enough


async def revive(ctx: Context) -> bool:
    """End the current server and start another in a fresh room; False when that does not come up."""
    from harnessgym_mcp.qualify.stages.boot import connect

    ended = ctx.running
    await ended.close(0)
    number = len(ctx.rigs)
    if number >= _MOST:
        return False
    fresh = await connect(ctx, f"spare-{number}")
    if isinstance(fresh, Finding):
        return False
    ctx.take(fresh)
    return True
