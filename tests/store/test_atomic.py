"""Atomic writes, locks and files set aside, on real files and between real processes."""

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from harnessgym_mcp.errors import LockedError, StateError
from harnessgym_mcp.store.atomic import locked, remove_partial, set_aside, write_atomic

HOLDER = """
import sys
from pathlib import Path
from harnessgym_mcp.store.atomic import locked
with locked(Path(sys.argv[1]), 5):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_write_replaces_the_whole_content_and_leaves_nothing_beside(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_atomic(file, b"a long first content")
    write_atomic(file, b"second")
    assert file.read_bytes() == b"second"
    assert os.listdir(tmp_path) == ["file"]


def test_a_write_keeps_secrets_to_their_owner(tmp_path: Path) -> None:
    write_atomic(tmp_path / "key", b"x", mode=0o600)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_the_old_content_and_says_where(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_atomic(file, b"old")

    def full(step: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StateError, match="file") as caught:
        write_atomic(file, b"new", step=full)
    assert "disk is full" in caught.value.hint
    assert file.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_write_into_a_missing_folder_is_a_state_error(tmp_path: Path) -> None:
    with pytest.raises(StateError):
        write_atomic(tmp_path / "no" / "file", b"")


def test_what_a_killed_writer_left_is_removed_for_that_file_only(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from harnessgym_mcp.store.atomic import write_atomic;"
        "write_atomic(Path(sys.argv[1]), b'x', step=lambda _: os.kill(os.getpid(), signal.SIGKILL))"
    )
    for name in ("one", "two"):
        ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], check=False)
        assert ended.returncode == -signal.SIGKILL
    assert remove_partial(tmp_path / "one") == 1
    assert [p.name.split(".")[1] for p in tmp_path.iterdir()] == ["two"]


def test_a_lock_excludes_another_process_until_that_one_dies(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockedError), locked(lock, 0.05):
            pass
        holder.kill()
        with locked(lock, 5):
            pass


def test_a_lock_excludes_another_thread_of_the_same_process(tmp_path: Path) -> None:
    seen: list[str] = []

    def other() -> None:
        try:
            with locked(tmp_path / "lock", 0.02):
                seen.append("entered")
        except LockedError:
            seen.append("refused")

    with locked(tmp_path / "lock", 1):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(10)
    assert seen == ["refused"]


def test_a_lock_does_not_follow_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateError), locked(tmp_path / "lock", 0.1):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_files_set_aside_never_replace_each_other(tmp_path: Path) -> None:
    asides = []
    for text in ("a", "b", "c"):
        (tmp_path / "file").write_text(text)
        asides.append(set_aside(tmp_path / "file"))
    assert [p.read_text() for p in asides] == ["a", "b", "c"]
    assert all(p.name.startswith("file.corrupt-2") for p in asides)
