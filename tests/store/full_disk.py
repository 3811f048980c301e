"""A small disk of one's own that can be filled to the last byte and the last name; used inside a mount namespace."""

import errno
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path


@contextmanager
def disk(folder: Path, size: str = "8m", names: int = 3000) -> Iterator[Path]:
    """A file system of this size, for so many files and folders, as long as it is used; its path."""
    folder.mkdir(exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes={names}", "none", str(folder)], check=True, timeout=20
    )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=20)


class Filling:
    """A step that fills the disk when it is reached for the k-th time; with k = 0 the disk is full from the start.

    Without `names` empty files and folders can still be made.
    """

    def __init__(self, folder: Path, k: int, names: bool = True) -> None:
        self._names = names
        self.reached = False
        self._ballast = folder / "ballast"
        self._left = k
        self._ballast.mkdir()
        if k == 0:
            self._fill()

    def __call__(self, name: str) -> None:
        self._left -= 1
        if self._left == 0:
            self._fill()

    def free(self) -> None:
        """Room again."""
        for path in self._ballast.iterdir():
            path.unlink()

    def _fill(self) -> None:
        self.reached = True
        _until_full(self._grow)
        if not self._names:
            return
        numbers = count()
        _until_full(lambda: (self._ballast / str(next(numbers))).touch())

    def _grow(self) -> None:
        with (self._ballast / "bytes").open("ab", buffering=0) as file:
            file.write(bytes(1 << 16))


def _until_full(more: Callable[[], object]) -> None:
    try:
        while True:
            more()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
