"""A key that stays the same from one start to the next, in a file that only its owner can read."""

import os
import secrets
from pathlib import Path

from harnessgym_mcp.errors import StateError
from harnessgym_mcp.store.atomic import state_error

__all__ = ["stored_token"]

_LEAST = 16


def stored_token(path: Path) -> str:
    """The key in a file, which is made where it is missing. Raises StateError for a key that others may read."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
    except FileExistsError:
        pass
    except OSError as error:
        raise state_error("write", path, error) from error
    return _read(path)


def _read(path: Path) -> str:
    try:
        open_to_others = path.stat().st_mode & 0o077
        token = path.read_text("utf-8", "replace").strip()
    except OSError as error:
        raise state_error("read", path, error) from error
    if open_to_others:
        raise StateError(f"{str(path)!r} can be read by others", hint=f"chmod 600 {path}")
    if len(token) < _LEAST:
        raise StateError(f"{str(path)!r} holds no key", hint="remove it: a new key is made")
    return token
