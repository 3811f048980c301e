"""A mount's health: how often it died in a row, and how long it rests before it is started again."""

from harnessgym_mcp.core.policy import Mounts

__all__ = ["Health"]


class Health:
    """Counts failures without an answer between them. Times are those of the event loop."""

    def __init__(self, policy: Mounts) -> None:
        self.failures = 0
        self.not_before = 0.0  # no start is tried before
        self.last_error = ""
        self._policy = policy

    @property
    def broken(self) -> bool:
        """Has the circuit opened? Then calls are refused at once while it rests."""
        return self.failures >= self._policy.circuit_failures

    def failed(self, text: str, now: float) -> None:
        self.failures += 1
        self.last_error = text
        self.not_before = now + (self._policy.circuit_rest if self.broken else self._pause())

    def answered(self) -> None:
        self.failures = 0

    def _pause(self) -> float:
        """None after the first death in a row, then doubling."""
        if self.failures < 2:
            return 0.0
        return min(self._policy.backoff_first * 2.0 ** (self.failures - 2), self._policy.backoff_most)
