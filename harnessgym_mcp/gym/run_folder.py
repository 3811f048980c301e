"""`<home>/runs/<run-id>/`: a run's settings, its state, what was said and what came of it.

settings.json                       the request, written once
state.json                          replaced atomically before and after each phase
report.json                         docs/schemas/run.schema.json
iterations/<n>/<phase>[-<try>]/     prompt.md, stdout.jsonl, stderr.txt; score.stdout.txt, score.stderr.txt
snapshots/, blobs/                  states of the workspace
aside/                              what a state that was put back would have overwritten
sessions/                           of agents that keep none themselves
lock                                held by the process that drives the run
"""

import secrets
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import msgspec

from harnessgym_mcp.core.records import decoded, readable
from harnessgym_mcp.core.run_state import RunState
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import CorruptError, LockedError, NotFoundError, UsageError
from harnessgym_mcp.gym.run_settings import RunSettings, check_run_id
from harnessgym_mcp.store.atomic import Step, locked, no_step, remove_partial, state_error, utc_stamp, write_atomic
from harnessgym_mcp.store.home import Home

__all__ = ["RunFolder", "new_run_id"]

T = TypeVar("T")


def new_run_id() -> str:
    """UTC time and eight random digits."""
    return f"{utc_stamp()}-{secrets.token_hex(4)}"


class RunFolder:
    """The files of one run. `step` hears of every write of the state, before it and after it."""

    def __init__(self, path: Path, step: Step = no_step) -> None:
        self.path = path
        self._step = step

    @classmethod
    def create(cls, home: Home, id: str, settings: RunSettings, step: Step = no_step) -> "RunFolder":
        """Raises UsageError for an id that is taken or illegal, StateError."""
        folder = cls(home.runs / check_run_id(id), step)
        try:
            folder.path.mkdir(parents=True)
        except FileExistsError:
            hint = f"--resume {id} goes on with it; another --run-id begins a new one"
            raise UsageError(f"a run {id!r} is there already", hint=hint) from None
        except OSError as error:
            raise state_error("make", folder.path, error) from error
        write_atomic(folder.path / "settings.json", readable(settings))
        return folder

    @classmethod
    def find(cls, home: Home, id: str, step: Step = no_step) -> "RunFolder":
        """Raises NotFoundError, UsageError."""
        folder = cls(home.runs / check_run_id(id), step)
        if not (folder.path / "settings.json").is_file():
            raise NotFoundError(f"no run is called {one_line(id, 80)!r}", hint=f"runs are in {home.runs}")
        return folder

    def driving(self) -> AbstractContextManager[None]:
        """Held while a process drives this run. Raises LockedError, at once, while another does."""
        return _Driving(locked(self.path / "lock", 0.0), self.path.name)

    def settings(self) -> RunSettings:
        """Raises CorruptError."""
        return self._read("settings.json", RunSettings)

    def state(self) -> RunState:
        """As kept last; a run that has none yet is at its start. Raises CorruptError."""
        if not (self.path / "state.json").exists():
            return RunState(id=self.path.name)
        return self._read("state.json", RunState)

    def save(self, state: RunState, what: str) -> RunState:
        """Keep it; the state itself. Raises StateError."""
        self._step(f"{what}, not kept")
        remove_partial(self.path / "state.json")
        write_atomic(self.path / "state.json", readable(state))
        self._step(what)
        return state

    def write(self, name: str, record: msgspec.Struct) -> None:
        """Raises StateError."""
        write_atomic(self.path / name, readable(record))

    def turn(self, iteration: int, phase: str, number: int = 1) -> Path:
        """The folder of one start of one phase, not made here."""
        return self.path / "iterations" / str(iteration) / (phase if number == 1 else f"{phase}-{number}")

    def aside(self, what: str) -> Path:
        return self.path / "aside" / what

    def _read(self, name: str, kind: type[T]) -> T:
        try:
            return decoded((self.path / name).read_bytes(), kind)
        except (OSError, msgspec.MsgspecError) as error:
            what = f"{name} of run {self.path.name} cannot be read: {one_line(str(error), 200)}"
            raise CorruptError(what, hint="begin a new run") from error


class _Driving(AbstractContextManager[None]):
    def __init__(self, lock: AbstractContextManager[None], id: str) -> None:
        self._lock = lock
        self._id = id

    def __enter__(self) -> None:
        try:
            self._lock.__enter__()
        except LockedError as error:
            raise LockedError(f"run {self._id} is under way in another process", hint="wait for its end") from error

    def __exit__(self, *about: object) -> None:
        self._lock.__exit__(None, None, None)
