"""Iterations on disk: one JSON file, changed under a lock, so that all processes of a home share its build slots."""

from collections.abc import Callable

import msgspec

from harnessgym_mcp.core.iteration import Iteration
from harnessgym_mcp.core.policy import Limits, Timeouts
from harnessgym_mcp.core.records import decoded, readable
from harnessgym_mcp.errors import StateError
from harnessgym_mcp.store.atomic import locked, remove_partial, set_aside, state_error, write_atomic
from harnessgym_mcp.store.home import Home

__all__ = ["IterationStore"]


class _File(msgspec.Struct, kw_only=True):
    schema: int = 1
    iterations: list[Iteration] = []


class IterationStore:
    """The iterations of one home, oldest first. `notes` tells what had to be repaired."""

    def __init__(self, home: Home, *, most: int = Limits().iterations, timeout: float = Timeouts().lock) -> None:
        self._home = home
        self._most = most
        self._timeout = timeout
        self.notes: list[str] = []

    def read(self) -> list[Iteration]:
        """All that are kept; a damaged file counts as empty and is set aside by the next update. Raises StateError."""
        try:
            return self._load()
        except msgspec.MsgspecError:
            self._note(f"{str(self._home.iterations)!r} is damaged; it counts as empty")
            return []

    def update(self, change: Callable[[list[Iteration]], list[Iteration]]) -> list[Iteration]:
        """Apply a change under the lock and keep the result. What `change` raises passes through, nothing is written
        then. Raises StateError."""
        with locked(self._home.lock("iterations"), self._timeout):
            remove_partial(self._home.iterations)
            kept = self._newest(change(self._load_or_set_aside()))
            write_atomic(self._home.iterations, readable(_File(iterations=kept)))
        return kept

    def _newest(self, iterations: list[Iteration]) -> list[Iteration]:
        surplus = len(iterations) - self._most
        return [i for at, i in enumerate(iterations) if at >= surplus or i.state == "open"]

    def _load_or_set_aside(self) -> list[Iteration]:
        try:
            return self._load()
        except msgspec.MsgspecError:
            aside = set_aside(self._home.iterations)
            self._note(f"the damaged {self._home.iterations.name} was set aside as {str(aside)!r}")
            return []

    def _load(self) -> list[Iteration]:
        try:
            data = self._home.iterations.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise state_error("read", self._home.iterations, error) from error
        file = decoded(data, _File)
        if file.schema != 1:
            hint = "use the newer HarnessGym, or another --home"
            raise StateError(f"{str(self._home.iterations)!r} was written by a newer HarnessGym", hint=hint)
        return file.iterations

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)
