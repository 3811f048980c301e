"""Trees as they are digested and copied: regular files only, with portable names, opened without following links.

The tree may be hostile and may change while it is read: every folder is opened relative to its parent, every file is
looked at again once it is open, and a copy is checked against the digests of the scan.
"""

import dataclasses
import fnmatch
import hashlib
import io
import os
import re
import stat
import sys
import unicodedata
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from harnessgym_mcp.core.digest import sha256, tree_digest
from harnessgym_mcp.core.policy import Limits
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import NotFoundError, UsageError
from harnessgym_mcp.store.atomic import fsync_dir, state_error

__all__ = ["INERT", "UNBOUNDED", "Problem", "Tree", "TreeFile", "TreeRefused", "copy_tree", "scan_tree", "survey"]

Problem = tuple[str, str, str]
"""`(where, id, what)`: the path below the root, a stable word, and what was seen."""

INERT = ".quarantined"
"""Added to the names of files that are kept as evidence."""

_CACHES = ("__pycache__", "*.pyc", ".DS_Store")  # made again by themselves
_PRIVATE = (".git", ".*.sw?", "*~", ".#*", "#*#")  # not part of an artifact, but somebody's work
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")
_CHUNK = 1 << 20
_LINKS = "links are refused, even within the tree: put the file itself there"
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OPEN_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


UNBOUNDED = dataclasses.replace(
    Limits(),
    artifact_bytes=sys.maxsize,
    artifact_files=sys.maxsize - 1,
    file_bytes=sys.maxsize - 1,
    artifact_depth=200,
    name_bytes=255,
)
"""For our own copies: they were within the limits when they were taken in, whatever the limits are now."""


class TreeRefused(UsageError):
    """A tree holds what cannot be taken in; `problems` lists all of it, in order.

    Ids: symlink, special, setuid, name, name-long, collision, unreadable, too-deep, too-many, too-large, changed,
    not-a-folder.
    """

    code = "tree"

    def __init__(self, problems: list[Problem]) -> None:
        shown = "; ".join(f"{one_line(where)}: {one_line(what)}" for where, _, what in problems[:5])
        more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
        super().__init__(shown + more, hint="an artifact is a folder of regular files with portable names")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class TreeFile:
    """One regular file: `path` is relative with '/', `sha256` is `sha256:<hex>` of the content, `size` in bytes."""

    path: str
    executable: bool
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Tree:
    """A scanned tree: files in order of their paths, and what was passed over though it is no mere cache."""

    digest: str
    files: tuple[TreeFile, ...]
    skipped: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return sum(f.size for f in self.files)


def scan_tree(root: Path, limits: Limits) -> Tree:
    """Digest a tree; raises TreeRefused with every problem, NotFoundError when there is no such folder."""
    tree, problems = survey(root, limits)
    if problems:
        raise TreeRefused(problems)
    return tree


def survey(root: Path, limits: Limits, *, strict: bool = False) -> tuple[Tree, list[Problem]]:
    """Like `scan_tree`, but gives what is good of a refused tree beside its problems.

    `strict` passes nothing over: caches and editors' files count as part of the tree.
    """
    try:
        fd = os.open(root, _OPEN_FOLDER)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no folder {str(root)!r}", hint="check the path") from error
    except NotADirectoryError:
        what = "a symbolic link" if root.is_symlink() else "not a folder"
        return Tree(tree_digest(()), ()), [(".", "not-a-folder", what)]
    except OSError as error:
        return Tree(tree_digest(()), ()), [(".", "unreadable", str(error.strerror))]
    scan = _Scan(limits, strict)
    try:
        scan.folder(fd, "", 0)
    finally:
        os.close(fd)
    return scan.tree(), scan.problems


@dataclass(slots=True)
class _Scan:
    limits: Limits
    strict: bool
    files: list[TreeFile] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    entries: int = 0
    size: int = 0
    full: bool = False

    def tree(self) -> Tree:
        ordered = tuple(sorted(self.files, key=lambda f: f.path))
        return Tree(tree_digest((f.path, f.executable, f.sha256) for f in ordered), ordered, tuple(self.skipped))

    def refuse(self, where: str, id: str, what: str) -> None:
        self.problems.append((where.encode("utf-8", "backslashreplace").decode(), id, what))

    def folder(self, fd: int, prefix: str, depth: int) -> None:
        if depth > self.limits.artifact_depth:
            return self.refuse(prefix, "too-deep", f"more than {self.limits.artifact_depth} folders deep")
        with os.scandir(fd) as found:
            names = sorted(e.name for e in islice(found, self.limits.artifact_files + 1))
        kept = [n for n in names if self.strict or not self.passed_over(prefix + n, n)]
        self.collisions(prefix, kept)
        for name in kept:
            if self.full:
                return None
            self.entry(fd, name, prefix + name, depth)
        return None

    def passed_over(self, path: str, name: str) -> bool:
        if any(fnmatch.fnmatchcase(name, p) for p in _PRIVATE):
            self.skipped.append(path)
            return True
        return any(fnmatch.fnmatchcase(name, p) for p in _CACHES) or f"/{path}".endswith("/node_modules/.cache")

    def collisions(self, prefix: str, names: list[str]) -> None:
        seen: dict[str, str] = {}
        for name in names:
            first = seen.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
            if first != name:
                self.refuse(prefix + name, "collision", f"differs from {first!a} only in letter case or accents")

    def entry(self, parent: int, name: str, path: str, depth: int) -> None:
        self.entries += 1
        if self.entries > self.limits.artifact_files:
            self.full = True
            return self.refuse(path, "too-many", f"more than {self.limits.artifact_files} files and folders")
        if not self.portable(path, name):
            return None
        try:
            self.by_kind(parent, name, path, depth)
        except OSError as error:
            self.refuse(path, "unreadable", str(error.strerror or error))
        return None

    def portable(self, path: str, name: str) -> bool:
        try:
            long = len(name.encode()) > self.limits.name_bytes
        except UnicodeEncodeError:
            self.refuse(path, "name", "the name is not UTF-8")
            return False
        if long:
            self.refuse(path, "name-long", f"the name has more than {self.limits.name_bytes} bytes")
        elif _UNFIT.search(name):
            self.refuse(path, "name", "the name holds a control character or a backslash")
        else:
            return True
        return False

    def by_kind(self, parent: int, name: str, path: str, depth: int) -> None:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            target = os.readlink(name, dir_fd=parent)
            return self.refuse(path, "symlink", f"a symbolic link to {target[:200]!a}; {_LINKS}")
        if stat.S_ISDIR(mode):
            return self.subfolder(parent, name, path, depth)
        if stat.S_ISREG(mode):
            return self.file(parent, name, path)
        return self.refuse(path, "special", "neither a file nor a folder (a device, pipe or socket)")

    def subfolder(self, parent: int, name: str, path: str, depth: int) -> None:
        fd = os.open(name, _OPEN_FOLDER, dir_fd=parent)
        try:
            self.folder(fd, path + "/", depth + 1)
        finally:
            os.close(fd)

    def file(self, parent: int, name: str, path: str) -> None:
        fd = os.open(name, _OPEN_FILE, dir_fd=parent)
        with open(fd, "rb", buffering=0) as file:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                return self.refuse(path, "changed", "it turned into something else while it was read")
            if found.st_mode & (stat.S_ISUID | stat.S_ISGID):
                return self.refuse(path, "setuid", "it has the setuid or setgid bit")
            most = min(self.limits.file_bytes, self.limits.artifact_bytes - self.size)
            size, digest = _digest(file, most)
        if size > most:
            return self.too_large(path)
        self.size += size
        self.files.append(TreeFile(path, bool(found.st_mode & 0o111), size, digest))
        return None

    def too_large(self, path: str) -> None:
        if self.limits.file_bytes <= self.limits.artifact_bytes - self.size:
            return self.refuse(path, "too-large", f"more than {self.limits.file_bytes} bytes in one file")
        self.full = True
        return self.refuse(path, "too-large", f"more than {self.limits.artifact_bytes} bytes in all files")


def _digest(file: io.FileIO, most: int) -> tuple[int, str]:
    """Size and digest of what is read, at most a little more than `most` bytes of it."""
    whole, size = hashlib.sha256(), 0
    while size <= most and (chunk := file.read(_CHUNK)):
        whole.update(chunk)
        size += len(chunk)
    return size, "sha256:" + whole.hexdigest()


def copy_tree(source: Path, target: Path, tree: Tree, *, sync: bool = False, inert: bool = False) -> None:
    """Copy exactly the files of `tree` into the new folder `target`; each is checked against its digest on the way.

    Modes become 0644 and 0755, cut by the umask. `sync` makes the copy durable; `inert` adds INERT to each file's name
    and leaves the executable bit out, so that nothing runs or loads it by accident. Raises TreeRefused (`changed`) when
    the source is no longer what was scanned, StateError when the target cannot be written; a part of the copy may then
    be there.
    """
    try:
        target.mkdir()
        root = os.open(source, _OPEN_FOLDER)
    except OSError as error:
        raise state_error("copy to", target, error) from error
    try:
        for file in tree.files:
            _copy_file(root, target, file, sync, inert)
    finally:
        os.close(root)
    if sync:
        for folder, _, _ in os.walk(target):
            fsync_dir(Path(folder))


def _copy_file(root: int, target: Path, file: TreeFile, sync: bool, inert: bool) -> None:
    copy = target / (file.path + INERT * inert)
    mode = 0o777 if file.executable and not inert else 0o666
    data = _read_again(root, file)
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with open(fd, "wb") as out:
            out.write(data)
            out.flush()
            if sync:
                os.fsync(fd)
    except OSError as error:
        raise state_error("write", copy, error) from error


def _read_again(root: int, file: TreeFile) -> bytes:
    """The content that was scanned, or TreeRefused."""
    try:
        with open(_open_below(root, file.path), "rb") as source:
            data = source.read(file.size + 1)
    except OSError as error:
        raise TreeRefused([(file.path, "changed", f"it can no longer be read: {error.strerror}")]) from error
    if sha256(data) != file.sha256:
        raise TreeRefused([(file.path, "changed", "its content changed while it was copied")])
    return data


def _open_below(root: int, path: str) -> int:
    """Open a file below a folder without following a link anywhere on the way."""
    *folders, name = path.split("/")
    current = os.dup(root)
    try:
        for folder in folders:
            inner = os.open(folder, _OPEN_FOLDER, dir_fd=current)
            os.close(current)
            current = inner
        return os.open(name, _OPEN_FILE, dir_fd=current)
    finally:
        os.close(current)
