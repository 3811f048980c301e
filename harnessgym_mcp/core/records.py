"""Records as files of JSON: written to be read by people as well, read with every way of being damaged as one error."""

from typing import Any, Protocol, TypeVar

import msgspec

from harnessgym_mcp.errors import CorruptError

__all__ = ["Versioned", "decoded", "readable", "text_of", "versioned"]

T = TypeVar("T")


class Versioned(Protocol):
    """A record that names the schema it follows."""

    @property
    def schema(self) -> str: ...


V = TypeVar("V", bound=Versioned)


def readable(value: Any, indent: int = 1) -> bytes:
    """JSON, indented, with a newline at its end: fit to be committed and read in a diff."""
    return msgspec.json.format(msgspec.json.encode(value), indent=indent) + b"\n"


def decoded(data: bytes | str, kind: type[T]) -> T:
    """What the JSON says. Raises msgspec.DecodeError, also where msgspec itself lets other errors through: for bytes
    in a text that are not UTF-8, and for what is nested too deep."""
    try:
        return msgspec.json.decode(data, type=kind)
    except UnicodeError as error:
        raise msgspec.DecodeError(f"not UTF-8: {error}") from error
    except RecursionError as error:
        raise msgspec.DecodeError("nested too deep") from error


def text_of(raw: msgspec.Raw | bytes) -> str:
    """The text that a JSON value is; "" for any other value."""
    try:
        return decoded(bytes(raw), str)
    except msgspec.DecodeError:
        return ""


def versioned(data: bytes, kind: type[V], schema: str, what: str, hint: str) -> V:
    """A record of this very schema. Raises CorruptError with `hint` for bytes that are no `what`."""
    try:
        record = decoded(data, kind)
    except msgspec.DecodeError as error:
        raise CorruptError(f"not a {what}: {error}", hint=hint) from error
    if record.schema != schema:
        raise CorruptError(
            f"a {what} of schema {record.schema!r}, not {schema!r}", hint="use the version that wrote it"
        )
    return record
