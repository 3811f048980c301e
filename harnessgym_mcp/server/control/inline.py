"""Files that an agent sends in a call, for agents without file tools: checked as a whole, then written to the draft."""

import errno
from pathlib import Path, PurePosixPath

from harnessgym_mcp.core.policy import Limits
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import UsageError
from harnessgym_mcp.store.atomic import state_error

__all__ = ["write_inline"]

_WRONG_PATH = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL)


def write_inline(files: object, draft: Path, limits: Limits) -> None:
    """`files` maps relative paths to whole texts; they replace the draft's of these names, links included.

    Nothing is synced to the disk: a draft is no record. Raises UsageError, before anything is written where it can be
    told by then, and StateError where the disk fails.
    """
    for path, data in _checked(files, limits).items():
        target = draft / path
        if not target.parent.resolve().is_relative_to(draft.resolve()):
            raise UsageError(f"`files`: {one_line(path, 120)!r} leads out of the draft", hint="remove the link there")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            with target.open("xb") as file:
                file.write(data)
        except OSError as error:
            if error.errno not in _WRONG_PATH:
                raise state_error("write", target, error) from error
            what = f"`files`: {one_line(path, 120)!r} cannot be written: {error.strerror}"
            raise UsageError(what, hint="is a folder or a file of this name in its way, or is the name too long?") \
                from error  # fmt: skip


def _checked(files: object, limits: Limits) -> dict[str, bytes]:
    if not isinstance(files, dict) or not all(isinstance(text, str) for text in files.values()):
        raise UsageError("`files` maps relative paths to texts", hint='{"server.py": "import json\\n..."}')
    if len(files) > limits.artifact_files:
        what = f"`files` are {len(files)}; an artifact has at most {limits.artifact_files}"
        raise UsageError(what, hint="leave out what the server does not need")
    found = {_relative(path): _bytes(path, text) for path, text in files.items()}
    if sum(map(len, found.values())) > limits.inline_bytes:
        what = f"`files` are more than {limits.inline_bytes} bytes in all"
        raise UsageError(what, hint="write the draft to disk and send `path`")
    for path in found:
        if above := next((str(p) for p in PurePosixPath(path).parents if str(p) in found), ""):
            raise UsageError(f"`files`: {one_line(above, 120)!r} is a file and a folder", hint="rename one of the two")
    return found


def _relative(path: str) -> str:
    parts = PurePosixPath(path).parts
    bad = not parts or "\\" in path or "\0" in path or path.startswith("/") or ".." in parts
    if bad or any(part.encode("utf-8", "surrogatepass")[255:] for part in parts) or not _is_text(path):
        what = f"`files`: {one_line(path, 120)!r} is not a relative path within the draft"
        raise UsageError(what, hint="for example server.py or lib/tables.json, with '/' between folders")
    return str(PurePosixPath(*parts))


def _is_text(path: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in path)


def _bytes(path: str, text: str) -> bytes:
    """Bytes that are no text travel as lone surrogates, as Python's own `surrogateescape` has them."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        what = f"`files`: the text of {one_line(path, 120)!r} holds half a character (a lone surrogate)"
        raise UsageError(what, hint="send whole characters") from error
