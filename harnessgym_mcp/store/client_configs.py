"""Connecting clients: HarnessGym's entry in their config files, written without losing anything of the user's.

A change is planned first (nothing is written), then applied: file by file, atomically, with the former file kept as
`.bak`. Before a plan is handed out it is read back: it must say what it should, and about everything else the same as
before.
"""

import copy
import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harnessgym_mcp.core.names import OWN
from harnessgym_mcp.errors import StateError
from harnessgym_mcp.store.client_configs_check import OURS, check_ours, holds
from harnessgym_mcp.store.client_configs_files import Editor, decoded, open_text, read, real_path, replace
from harnessgym_mcp.store.client_configs_json import JsonText, Unkeepable
from harnessgym_mcp.store.client_configs_jsonc import Broken
from harnessgym_mcp.store.client_configs_places import Add, FileWish, Places, Put, Scope, Serving, wishes

__all__ = ["Change", "apply", "is_temporary", "plan_connect", "plan_disconnect", "start_command"]

_EDITORS = ("cursor", "vscode")


@dataclass(frozen=True, slots=True)
class Change:
    """One file's change. `before` is None for a file that is not there yet, `after` for one that goes."""

    client: str
    scope: Scope
    path: Path
    before: bytes | None
    after: bytes | None
    says: str  # what is written, in the file's own format: what a person would paste

    @property
    def action(self) -> Literal["unchanged", "create", "change", "remove"]:
        if self.before == self.after:
            return "unchanged"
        return "remove" if self.after is None else "create" if self.before is None else "change"


def _absolute(folder: str | Path) -> str:
    return folder if isinstance(folder, str) else os.path.abspath(folder)


def _installed() -> tuple[str, ...]:
    """How this installation is started, by absolute paths: the `harnessgym` script, else its interpreter.

    Without the script the interpreter gets -P, so that no module of the workspace takes the place of one of ours.
    """
    script = Path(sysconfig.get_path("scripts")) / "harnessgym"
    if os.access(script, os.X_OK):
        return (str(script),)
    return (sys.executable, "-P", "-m", "harnessgym_mcp")


def start_command(
    client: str,
    scope: Scope,
    workspace: Path,
    home: Path | None = None,
    state: Path | None = None,
    settings: Mapping[str, str] | None = None,
    name: str = OWN,
) -> tuple[str, ...]:
    """`harnessgym serve` with all that it needs in its arguments: some importers of such entries drop `env`.

    A project's entry names its workspace, because clients start servers from wherever they happen to be. A user's
    entry must not: the folder that the client works in is the workspace, which editors tell by a variable.
    """
    where = str(workspace) if scope == "project" else "${workspaceFolder}" if client in _EDITORS else ""
    folders = {"--workspace": where, "--home": home, "--state": state}
    words = [word for flag, folder in folders.items() if folder for word in (flag, _absolute(folder))]
    words += [word for key, value in (settings or {}).items() for word in ("--set", f"{key}={value}")]
    words += ["--entry", name] if name != OWN else []  # its tools' names begin with it
    return (*_installed(), "serve", *words)


def is_temporary(command: tuple[str, ...]) -> bool:
    """Does it lie where `uvx` or `pipx run` put what they may remove again?"""
    return bool({".cache", "archive-v0"} & set(Path(command[0]).parts))


def plan_connect(client: str, scope: Scope, serving: Serving, places: Places) -> list[Change]:
    """What has to change for this client to start HarnessGym. Raises StateError for a file that cannot be edited
    without loss, with the text to paste in its hint, and UsageError when the name is taken by another server."""
    return [_plan(client, scope, wish, places, connect=True) for wish in wishes(client, scope, serving, places)]


def plan_disconnect(client: str, scope: Scope, name: str, places: Places) -> list[Change]:
    """What has to change for this client to forget it. Raises like `plan_connect`."""
    wanted = wishes(client, scope, Serving(name, (OURS,), 0, 0), places)
    there = [wish for wish in wanted if os.path.lexists(wish.path)]
    return [_plan(client, scope, wish, places, connect=False) for wish in there]


def apply(change: Change) -> Path | None:
    """Write it; gives where the former file is kept. Raises StateError; the file is as it was then."""
    if change.action == "unchanged":
        return None
    if read(change.path) != change.before:
        raise StateError(f"{str(change.path)!r} was changed meanwhile", hint="run the same command again")
    mode = 0o666 if change.scope == "project" else 0o600
    try:
        return replace(change.path, change.before, change.after, mode)
    except (OSError, StateError) as error:
        why = error.strerror if isinstance(error, OSError) else error.message
        hint = f"make it writable, or see to this by hand:\n{change.says}"
        raise StateError(f"cannot write {str(change.path)!r}: {why}", hint=hint) from error


# ---- planning


def _plan(client: str, scope: Scope, wish: FileWish, places: Places, *, connect: bool) -> Change:
    path = real_path(wish.path, places.workspace if scope == "project" else None)
    says = _alone(wish)
    try:
        before = read(path)
        after = _edited(before, wish, connect=connect)
    except (Broken, Unkeepable) as error:
        what = "paste this where it belongs" if connect else "remove this by hand"
        raise type(error)(f"{str(path)!r}: {error.message}", hint=f"nothing was written; {what}:\n{says}") from None
    return Change(client, scope, path, before, after, says)


def _edited(before: bytes | None, wish: FileWish, *, connect: bool) -> bytes | None:
    """The file's new content; None when nothing would be left of it."""
    text = decoded(before or b"")
    editor = open_text(text, wish.format)
    old = copy.deepcopy(editor.value())
    check_ours(old, wish)
    for edit in wish.edits:
        _perform(editor, edit, connect=connect)
    if editor.text == text:
        return before
    new = open_text(editor.text, wish.format).value()
    if not holds(old, new, wish, connect=connect):
        raise Unkeepable("the edit would change more than it should")
    return editor.text.encode() if new else None


def _perform(editor: Editor, edit: Put | Add, *, connect: bool) -> None:
    if isinstance(edit, Put):
        editor.put(edit.path, edit.value) if connect else editor.drop(edit.path)
    elif isinstance(editor, JsonText):
        editor.add(edit.path, edit.item) if connect and edit.there else editor.take(edit.path, edit.item)


def _alone(wish: FileWish) -> str:
    """What the file is to say, by itself, in its own format."""
    editor = open_text("", wish.format)
    for edit in wish.edits:
        _perform(editor, edit, connect=True)
    return editor.text.rstrip("\n")
