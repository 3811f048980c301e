"""Where a comparison lies, and what is written when.

<out>/plan.json                 before the first trial
<out>/inputs/<hex>/             workspaces, held-out files, bundle, script: content-addressed, never changed
<out>/harness/<hex>/            the home that the bundle was qualified into on this machine
<out>/trials/<id>/outcome.json  the last try's outcome, in one rename
<out>/trials/<id>/try-<n>/      its transcripts, calls.jsonl, verifier.txt, result/ (what the attempt changed)
<out>/leaks.json                what the leakage audit found
<out>/report.json, report.html
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harnessgym_mcp.core.leakage import Leak
from harnessgym_mcp.core.outcomes import Outcome
from harnessgym_mcp.core.records import decoded, readable
from harnessgym_mcp.core.trials import plan as trials_of
from harnessgym_mcp.errors import CorruptError, NotFoundError
from harnessgym_mcp.gym.compare_plan import Plan, decode_plan, encode_plan
from harnessgym_mcp.store.atomic import locked, state_error, write_atomic
from harnessgym_mcp.store.home import hex_of

__all__ = ["PREFIX", "Files"]

PREFIX = "harnessgym-trial-"
"""Of the folders outside in which workspaces lie."""


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one comparison; safe for several processes that run different trials."""

    out: Path

    @property
    def inputs(self) -> Path:
        return self.out / "inputs"

    @property
    def report(self) -> Path:
        return self.out / "report.json"

    @property
    def page(self) -> Path:
        return self.out / "report.html"

    def input(self, digest: str) -> Path:
        """A kept folder; its content is not verified here."""
        return self.inputs / hex_of(digest)

    def harness(self, digest: str) -> Path:
        """The base of the home that a bundle was qualified into."""
        return self.out / "harness" / hex_of(digest)

    def trial(self, id: str) -> Path:
        return self.out / "trials" / id

    @property
    def planned(self) -> bool:
        return (self.out / "plan.json").exists()

    def plan(self) -> Plan:
        """Raises NotFoundError, CorruptError."""
        try:
            return decode_plan((self.out / "plan.json").read_bytes())
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no comparison in {str(self.out)!r}", hint="--out DIR names it") from error
        except OSError as error:
            raise state_error("read", self.out / "plan.json", error) from error

    def save_plan(self, plan: Plan) -> None:
        self._make(self.out)
        write_atomic(self.out / "plan.json", encode_plan(plan))

    def outcome(self, id: str) -> Outcome | None:
        """The last try's outcome; None before there is one. Raises CorruptError for a damaged file."""
        path = self.trial(id) / "outcome.json"
        try:
            return decoded(path.read_bytes(), Outcome)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise CorruptError(
                f"{str(path)!r} is damaged: {error}", hint="remove it: the trial is run again"
            ) from error

    def outcomes(self, plan: Plan) -> dict[str, Outcome]:
        """Trial id -> outcome, of all trials that have one."""
        found = {trial.id: self.outcome(trial.id) for trial in trials_of(plan.design)}
        return {id: outcome for id, outcome in found.items() if outcome is not None}

    def save_outcome(self, outcome: Outcome) -> None:
        self._make(self.trial(outcome.trial))
        write_atomic(self.trial(outcome.trial) / "outcome.json", readable(outcome))

    def tries(self, id: str) -> int:
        """How often a trial was started, killed tries included."""
        numbers = [p.name.removeprefix("try-") for p in self.trial(id).glob("try-*")]
        return max((int(n) for n in numbers if n.isdigit()), default=0)

    @contextmanager
    def running(self, id: str) -> Iterator[None]:
        """Nobody else runs this trial meanwhile; raises LockedError when somebody does."""
        self._make(self.trial(id))
        with locked(self.trial(id) / ".lock", 5.0):
            yield

    @contextmanager
    def place(self, folder: Path) -> Iterator[Path]:
        """A new folder outside for a try's workspace; one that a killed try left is removed by the next."""
        place = Path(tempfile.mkdtemp(prefix=PREFIX))
        try:
            (folder / "place.txt").write_text(str(place), encoding="utf-8")
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def clear(self, id: str) -> None:
        """Remove the workspaces that killed tries of a trial left."""
        for note in self.trial(id).glob("try-*/place.txt"):
            with contextlib.suppress(OSError, ValueError):  # gone already, or a note cut short by the kill
                place = Path(note.read_text(encoding="utf-8"))
                if place.name.startswith(PREFIX) and place.parent == Path(tempfile.gettempdir()):
                    shutil.rmtree(place, ignore_errors=True)

    def leaks(self) -> list[Leak] | None:
        """What the audit found; None before there was one."""
        try:
            return decoded((self.out / "leaks.json").read_bytes(), list[Leak])
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def save_leaks(self, leaks: list[Leak]) -> None:
        write_atomic(self.out / "leaks.json", msgspec.json.encode(leaks))

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise state_error("make", folder, error) from error
