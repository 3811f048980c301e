"""Archives of strangers: refused before anything is written where they try anything."""

import io
import os
import stat
import struct
import zipfile

import pytest

from harnessgym_mcp.core.policy import Limits
from harnessgym_mcp.qualify.archives import unpack

LIMITS = Limits(artifact_bytes=100_000, file_bytes=50_000, artifact_files=20)


def member(name, mode=0o100644, system=3):
    info = zipfile.ZipInfo("x")
    info.filename = name
    info.create_system = system
    info.external_attr = mode << 16
    return info


def archive(path, *entries, method=zipfile.ZIP_DEFLATED):
    """`entries` are (name or ZipInfo, content)."""
    with zipfile.ZipFile(path, "w", method) as file:
        for entry, content in entries:
            info = member(entry) if isinstance(entry, str) else entry
            info.compress_type = method
            file.writestr(info, content)
    return path


def ids(found):
    return sorted({f.id for f in found})


@pytest.fixture
def unpacked(tmp_path):
    def run(*entries, **how):
        found = unpack(archive(tmp_path / "a.zip", *entries, **how), tmp_path / "out", LIMITS)
        return ids(found)

    return run


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("entries", "id"),
    [
        ([("../evil", b"")], "import.traversal"),
        ([("a/../../evil", b"")], "import.traversal"),
        ([("/etc/evil", b"")], "import.traversal"),
        ([("C:/evil", b"")], "import.traversal"),
        ([("a\\..\\evil", b"")], "import.traversal"),
        ([("a//b", b"")], "import.name"),
        ([(".", b"")], "import.name"),
        ([("a", b"1"), ("a", b"2")], "import.duplicate"),
        ([("a/b", b"1"), ("A/B", b"2")], "import.duplicate"),
        ([("e\u0301", b"1"), ("\u00e9", b"2")], "import.duplicate"),
        ([("a", b"1"), ("a/b", b"2")], "import.duplicate"),
        ([("a/b", b"1"), ("a", b"2")], "import.duplicate"),
        ([(member("link", stat.S_IFLNK | 0o777), b"/etc/passwd")], "import.symlink"),
        ([(member("pipe", stat.S_IFIFO | 0o644), b"")], "import.special"),
        ([(member("dev", stat.S_IFCHR | 0o644), b"")], "import.special"),
        ([(member("root", 0o104755), b"")], "import.special"),
        ([(f"f{n}", b"") for n in range(21)], "import.too-many"),
        ([("zeros", b"\0" * 100_001)], "import.too-large"),
        ([("zeros", b"\0" * 50_001)], "import.too-large"),
        ([(f"z{n}", b"\0" * 40_000) for n in range(3)], "import.too-large"),
    ],
)
def test_hostile_entries_are_refused(unpacked, tmp_path, entries, id):
    assert unpacked(*entries) == [id]
    assert not (tmp_path / "evil").exists()
    assert (
        sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file() and p.name != "a.zip") <= LIMITS.artifact_bytes
    )


def test_a_bomb_whose_headers_lie_about_its_size_is_stopped(tmp_path):
    path = archive(tmp_path / "a.zip", ("bomb", b"\0" * 5_000_000))
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 100)  # the size that the directory tells
    data[22:26] = struct.pack("<I", 100)
    path.write_bytes(data)
    assert ids(unpack(path, tmp_path / "out", LIMITS)) in (["import.archive"], ["import.too-large"])
    assert sum(p.stat().st_size for p in (tmp_path / "out").rglob("*")) <= LIMITS.file_bytes


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_seldom_compressions_are_refused(unpacked, method):
    assert unpacked(("a", b"x"), method=method) == ["import.compression"]


def test_encrypted_entries_are_refused(tmp_path):
    path = archive(tmp_path / "a.zip", ("a", b"x"))
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(data)
    assert ids(unpack(path, tmp_path / "out", LIMITS)) == ["import.encrypted"]


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04" + b"\0" * 100, b"PK\x05\x06" + b"\xff" * 18])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    assert ids(unpack(tmp_path / "a.zip", tmp_path / "out", LIMITS)) == ["import.archive"]


def test_a_damaged_entry_is_refused(tmp_path):
    path = archive(tmp_path / "a.zip", ("a", os.urandom(1000)), method=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[100] ^= 0xFF
    path.write_bytes(data)
    assert ids(unpack(path, tmp_path / "out", LIMITS)) == ["import.archive"]


def test_an_archive_too_large_to_be_looked_at_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"\0" * (2 * LIMITS.artifact_bytes + 1))
    assert ids(unpack(path, tmp_path / "out", LIMITS)) == ["import.too-large"]


def test_an_honest_archive_is_unpacked_with_its_executable_bits(unpacked, tmp_path):
    entries = [
        ("a/b.txt", b"text"),
        (member("run", 0o100755), b"#!"),
        ("__MACOSX/a/._b.txt", b"x"),
        (".DS_Store", b"x"),
    ]
    assert unpacked(*entries, ("folder/", b"")) == []
    out = tmp_path / "out"
    files = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    assert files == ["a/b.txt", "run"]
    assert os.access(out / "run", os.X_OK)
    assert not os.access(out / "a/b.txt", os.X_OK)


def test_bytes_behind_the_archive_do_not_matter(tmp_path):
    buffer = io.BytesIO()
    archive(buffer, ("a", b"x"))
    (tmp_path / "a.zip").write_bytes(buffer.getvalue() + b"MCPB_SIG_V1" + b"\0" * 500)
    assert unpack(tmp_path / "a.zip", tmp_path / "out", LIMITS) == []
