"""Records as JSON: whatever is wrong with the bytes, it is one error, and no other."""

import msgspec
import pytest

from harnessgym_mcp.core.lifecycle import Artifact, Registry, Version, decode_registry, encode_registry
from harnessgym_mcp.core.records import decoded, readable, text_of, versioned
from harnessgym_mcp.errors import CorruptError


class Note(msgspec.Struct):
    schema: str = "note/1"
    text: str = ""


def test_a_record_is_written_for_people_and_reads_back() -> None:
    assert readable(Note(text="x")) == b'{\n "schema": "note/1",\n "text": "x"\n}\n'
    assert decoded(readable(Note(text="ä")), Note) == Note(text="ä")


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b'{"text": "\xff"}', b'{"text": "\xed\xa0\x80"}', b'{"text": 1}', b"[" * 10_000],
    ids=["empty", "no JSON", "no UTF-8", "a lone surrogate", "another type", "deep"],
)
def test_bytes_that_are_no_record_are_one_error(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decoded(data, Note if data[:1] != b"[" else list)
    with pytest.raises(CorruptError, match="not a note"):
        versioned(data, Note, "note/1", "note", hint="write it again")
    assert text_of(data) == ""


def test_a_damaged_byte_anywhere_in_a_registry_is_never_another_error() -> None:
    whole = encode_registry(
        Registry(artifacts={"one": Artifact(name="one", current="d", versions=[Version(digest="d")])})
    )
    refused = 0
    for at in range(len(whole)):
        for byte in (b"\xff", b"\x80", b"[", b"\0", b'"'):
            try:
                decode_registry(whole[:at] + byte + whole[at + 1 :])
            except msgspec.MsgspecError:
                refused += 1
    assert refused > len(whole)


def test_a_record_of_another_schema_is_refused_by_name() -> None:
    with pytest.raises(CorruptError, match=r"a note of schema 'note/2', not 'note/1'"):
        versioned(readable(Note(schema="note/2")), Note, "note/1", "note", hint="")


def test_only_a_text_counts_as_one() -> None:
    assert [text_of(raw) for raw in (b'"a\\u00e4"', b"1", b"null", b'{"a":1}')] == ["aä", "", "", ""]
