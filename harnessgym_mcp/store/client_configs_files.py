"""Reading and replacing a client's config file: links followed, owner and mode kept, the former file beside it."""

import os
import shutil
import stat
from pathlib import Path
from typing import Literal

from harnessgym_mcp.errors import StateError
from harnessgym_mcp.store.atomic import free_name, write_atomic
from harnessgym_mcp.store.client_configs_json import JsonText
from harnessgym_mcp.store.client_configs_jsonc import Broken
from harnessgym_mcp.store.client_configs_toml import TomlText

__all__ = ["Editor", "decoded", "open_text", "read", "real_path", "replace"]

Editor = JsonText | TomlText


def open_text(text: str, format: Literal["json", "toml"]) -> Editor:
    """Raises Broken when the text is not in that format."""
    return JsonText(text) if format == "json" else TomlText(text)


def decoded(data: bytes) -> str:
    """The text; raises Broken, with the line, when it is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Broken(f"line {line} is not UTF-8") from None


def real_path(path: Path, within: Path | None) -> Path:
    """The file itself where a link leads to it; a project's own may not lead out of the project."""
    real = path.resolve()
    if within is not None and not real.is_relative_to(within.resolve()):
        raise StateError(f"{str(path)!r} leads out of the project, to {str(real)!r}", hint="replace the link by a file")
    return real


def read(path: Path) -> bytes | None:
    """The content; None when there is no such file. Raises Broken, StateError."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Broken(f"{str(path)!r} is not a file")
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"cannot read {str(path)!r}: {error.strerror}", hint="check its owner and mode") from error


def replace(path: Path, before: bytes | None, after: bytes | None, new_mode: int) -> Path | None:
    """Write `after`, or remove the file for None; gives where `before` is kept. Raises StateError, OSError."""
    old = path.stat() if before is not None else None
    mode = stat.S_IMODE(old.st_mode) if old else new_mode
    backup = None
    path.parent.mkdir(parents=True, exist_ok=True)
    if before is not None:
        backup = free_name(path.with_name(path.name + ".bak"))
        write_atomic(backup, before, mode=mode)
    if after is None:
        path.unlink()
        return backup
    write_atomic(path, after, mode=mode)
    if old:  # a file keeps its owner and its mode, whoever ran us and whatever the umask
        if (old.st_uid, old.st_gid) != (os.geteuid(), path.stat().st_gid):
            shutil.chown(path, old.st_uid, old.st_gid)
        path.chmod(mode)
    return backup
