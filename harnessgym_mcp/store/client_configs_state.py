"""Which clients are on this machine, and is HarnessGym rightly in their config?"""

import dataclasses
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harnessgym_mcp.errors import StateError
from harnessgym_mcp.store.client_configs_check import look, says
from harnessgym_mcp.store.client_configs_files import decoded, open_text, read
from harnessgym_mcp.store.client_configs_places import CLIENTS, FileWish, Places, Put, Scope, Serving, wishes

__all__ = ["Connection", "connection", "found"]


@dataclass(frozen=True, slots=True)
class Connection:
    """How a client is connected in one scope: `detail` says what is wrong, "" when nothing is."""

    path: Path
    state: Literal["absent", "broken", "wrong", "connected"]
    detail: str = ""


def found(client: str, places: Places) -> str:
    """Where the client's program is; its user config where only that is there; "" when neither is."""
    for program in CLIENTS[client].programs:
        if path := shutil.which(program, path=places.env.get("PATH")):
            return path
    probe = Serving("probe", ("probe",), 0, 0)
    folder = wishes(client, "user", probe, places)[-1].path.parent
    return str(folder) if folder.is_dir() and folder != places.home else ""


def connection(client: str, scope: Scope, serving: Serving, places: Places) -> Connection:
    """Is it connected there, and rightly? Another installation's command will do, and either way to ask."""
    wanted = wishes(client, scope, serving, places)
    try:
        values = [open_text(decoded(read(wish.path) or b""), wish.format).value() for wish in wanted]
    except StateError as error:
        return Connection(wanted[0].path, "broken", error.message)
    *table, name = wanted[0].edits[0].path
    entry = look(values[0], (*table, name))
    if not isinstance(entry, dict):
        renamed = _renamed(look(values[0], tuple(table)))
        if renamed in ("", name):
            return Connection(wanted[0].path, "absent")
        return connection(client, scope, dataclasses.replace(serving, name=renamed), places)
    other = wishes(client, scope, dataclasses.replace(serving, ask=not serving.ask), places)
    missing = min((list(_missing(each, values)) for each in (wanted, other)), key=len)
    wrong = [*_start_problems(entry), *missing]
    return Connection(wanted[0].path, "wrong" if wrong else "connected", "; ".join(wrong))


def _renamed(table: Any) -> str:
    """The name of an entry that `connect --name` has written; "" where there is none."""
    entries = table.items() if isinstance(table, dict) else ()
    ours = (name for name, entry in entries if isinstance(entry, dict) and _names(entry.get("args"), name))
    return next(ours, "")


def _names(args: Any, name: str) -> bool:
    return isinstance(args, list) and "serve" in args and ["--entry", name] == args[-2:]


def _start_problems(entry: dict[str, Any]) -> Iterator[str]:
    command, args = entry.get("command"), entry.get("args", [])
    if not isinstance(command, str) or shutil.which(command) is None:
        yield f"its command {command!r} cannot be run"
    if not isinstance(args, list) or "serve" not in args:
        yield "its arguments do not say `serve`"
    elif "--workspace" in args[:-1]:
        workspace = str(args[args.index("--workspace") + 1])
        if not workspace.startswith("${") and not Path(workspace).is_dir():
            yield f"its workspace {workspace!r} is not a folder"


def _missing(wanted: list[FileWish], values: list[Any]) -> Iterator[str]:
    """Settings that are not as they should be, the command itself aside."""
    for wish, value in zip(wanted, values, strict=True):
        for edit in wish.edits:
            there = look(value, edit.path)
            if isinstance(edit, Put) and isinstance(there, dict):
                yield from (f"{k} is not {v!r}" for k, v in edit.value.items() if not _will_do(k, there.get(k), v))
            elif not says(there, edit):
                yield f"{'.'.join(edit.path)} is not set in {wish.path.name}"


def _will_do(key: str, there: Any, wanted: Any) -> bool:
    """More patience than asked for is fine."""
    if type(wanted) is int and isinstance(there, int | float):
        return there >= wanted
    return key in ("command", "args") or bool(there == wanted)
