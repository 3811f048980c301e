"""Where everything lies: the workspace's *home* and this machine's private *state* folder.

    <workspace>/.harnessgym/            the home: config.toml, registry.json, generated/, quarantine/ may be committed
    $XDG_STATE_HOME/harnessgym/         the state: what is executed, and the verdicts that were made on this machine

A home may come from a stranger's repository: no name in it is followed through a symbolic link, and nothing in it is
believed without a verdict from the state folder.
"""

import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from harnessgym_mcp.core.digest import sha256
from harnessgym_mcp.core.names import check_artifact_name
from harnessgym_mcp.errors import CorruptError, StateError
from harnessgym_mcp.store.atomic import state_error, write_atomic

__all__ = ["DEFAULT_HOME", "Home", "default_state", "hex_of"]

DEFAULT_HOME = ".harnessgym"

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})\Z")
_FOLDERS = ("generated", "quarantine", "drafts", "data", "runs", "logs", "locks", "pending", "aside")
_STATE_FOLDERS = ("objects", "verdicts", "versions")
_IGNORE = """# Written by HarnessGym: only what is worth sharing can be committed.
/*
!/.gitignore
!/config.toml
!/generated/
!/quarantine/
!/registry.json
__pycache__/
/generated/.*
/quarantine/*/.*
"""


def hex_of(digest: str) -> str:
    """The 64 hexadecimal digits of `sha256:<hex>`; raises CorruptError for anything else (it becomes a file name)."""
    match = _DIGEST.match(digest)
    if match is None:
        raise CorruptError(f"{digest[:80]!a} is not a digest", hint="expected sha256: and 64 hexadecimal digits")
    return match[1]


@dataclass(frozen=True, slots=True)
class Home:
    """All paths of one home. `notes` tells what had to be done differently while opening it."""

    workspace: Path
    root: Path
    state: Path
    notes: tuple[str, ...] = ()
    data_root: Path | None = None  # None: in the home

    @classmethod
    def open(
        cls,
        workspace: Path,
        root: Path | None = None,
        state: Path | None = None,
        *,
        create: bool = True,
        lenient: bool = False,
    ) -> "Home":
        """Open the home of a workspace; relative `root` and `state` start at the current folder.

        With `create`, the folders are made and must be writable, else StateError; without it nothing is touched and a
        home that can only be read will do. `lenient`: so it will with `create`, if there is one, and is noted; what its
        tools keep then lies in the state folder.
        """
        workspace = Path(os.path.abspath(workspace))
        root = Path(os.path.abspath(root or workspace / DEFAULT_HOME))
        wanted = Path(os.path.abspath(state)) if state else default_state()
        if not create:
            return cls(workspace, root, wanted)
        notes = _opened(workspace, root, lenient)
        data = "" if not notes else hex_of(sha256(os.fsencode(root)))[:12]
        if state is None and not _usable(wanted):
            substitute = _temporary_state()
            notes += (f"{str(wanted)!r} cannot be written; verdicts of this machine are kept in {str(substitute)!r}",)
            wanted = substitute
        _make(wanted, _STATE_FOLDERS, 0o700)
        return cls(workspace, root, wanted, notes, wanted / "data" / data if data else None)

    @property
    def grantable_workspace(self) -> Path | None:
        """The workspace, as generated tools may be granted it; None where the private state lies within it (a
        workspace that is a whole home folder would hand out keys and verdicts with it)."""
        return None if self.state.is_relative_to(self.workspace) else self.workspace

    @property
    def registry(self) -> Path:
        return self.root / "registry.json"

    @property
    def telemetry(self) -> Path:
        return self.root / "telemetry.sqlite"

    @property
    def journal(self) -> Path:
        """Where ended calls wait until they are in the telemetry file."""
        return self.root / "journal"

    @property
    def config(self) -> Path:
        return self.root / "config.toml"

    @property
    def iterations(self) -> Path:
        return self.root / "iterations.json"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def aside(self) -> Path:
        """Where edited content goes that a transition would otherwise have overwritten."""
        return self.root / "aside"

    def generated(self, name: str) -> Path:
        """The current version of an artifact, readable and committable; raises NameRefused for an illegal name."""
        return self.root / "generated" / check_artifact_name(name)

    def quarantined(self, name: str, digest: str) -> Path:
        """The evidence of one rejected tree."""
        return self.root / "quarantine" / check_artifact_name(name) / hex_of(digest)[:12]

    def draft(self, name: str) -> Path:
        """Where an agent builds; raises StateError when a symbolic link lies there."""
        return _no_link(self.root / "drafts" / check_artifact_name(name))

    def data(self, name: str) -> Path:
        """PLUGIN_DATA of an artifact (not made here); raises StateError when a symbolic link lies there."""
        return _no_link((self.data_root or self.root / "data") / check_artifact_name(name))

    def pending(self, name: str) -> Path:
        """The mark of a transition under way."""
        return self.root / "pending" / check_artifact_name(name)

    def lock(self, name: str) -> Path:
        """The lock file of one concern: `store`, `registry`, `iterations`, `telemetry` or a caller's own."""
        return self.root / "locks" / f"{name}.lock"


def default_state() -> Path:
    """`$XDG_STATE_HOME/harnessgym`, else `~/.local/state/harnessgym`."""
    base = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):  # the XDG specification: relative paths are invalid and ignored
        base = os.path.join(os.path.expanduser("~"), ".local", "state")
    return Path(base) / "harnessgym"


def _no_link(path: Path) -> Path:
    if path.is_symlink():
        raise StateError(
            f"{str(path)!r} is a symbolic link", hint="replace it by a folder; links are not followed here"
        )
    return path


def _opened(workspace: Path, root: Path, lenient: bool) -> tuple[str, ...]:
    """Make the home; notes where it can only be read and that will do. Raises StateError."""
    try:
        _make_home(workspace, root)
    except StateError as error:
        if not lenient or not (root / "registry.json").is_file() or os.access(root, os.W_OK):
            raise
        return (f"the home cannot be written ({error.message}): calls are not on record, and nothing can be built",)
    return ()


def _make_home(workspace: Path, root: Path) -> None:
    if root == workspace / DEFAULT_HOME:
        _no_link(root)
    _make(root, _FOLDERS, 0o777)
    ignore = root / ".gitignore"
    if not os.path.lexists(ignore):
        write_atomic(ignore, _IGNORE.encode())


def _make(folder: Path, children: tuple[str, ...], mode: int) -> None:
    """Make a folder and its children, and see that it can be written."""
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        for child in children:
            _no_link(folder / child).mkdir(mode=mode, exist_ok=True)
        _probe(folder)
    except OSError as error:
        raise state_error("use", folder, error) from error


def _probe(folder: Path) -> None:
    probe = folder / f".probe-{secrets.token_hex(6)}"
    os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    probe.unlink()


def _usable(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _probe(folder)
    except OSError:
        return False
    return True


def _temporary_state() -> Path:
    """A folder below the temporary one that is ours alone: the same each time, unless somebody else holds its name."""
    import tempfile

    folder = Path(tempfile.gettempdir()) / f"harnessgym-state-{os.geteuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise state_error("make", folder, error) from error
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
    return folder if ours else Path(tempfile.mkdtemp(prefix="harnessgym-state-"))
