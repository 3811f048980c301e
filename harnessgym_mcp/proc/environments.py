"""Python environments for artifacts: one for each set of requirements, built by uv outside the sandbox, used inside.

An environment is complete or absent: it is built beside its place and renamed. Nothing of a package is ever run out
here: wheels only, no build scripts, and bytecode is compiled by an interpreter that does not look at site-packages.
"""

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.requirements import check_python, check_requirements
from harnessgym_mcp.core.text import clean, cut
from harnessgym_mcp.errors import PackagesError
from harnessgym_mcp.proc.groups import kill_all
from harnessgym_mcp.proc.leftovers import remove_leftover
from harnessgym_mcp.proc.room import Bind
from harnessgym_mcp.proc.toolchain import find_toolchain, roots_of

__all__ = ["Environment", "Environments", "find_uv"]

_FORMAT = "1"


@dataclass(frozen=True, slots=True)
class Environment:
    """What a `Room` needs to use it: its binds, and the folder to put first in PATH. Inside it has its own path."""

    root: Path | None = None  # None: no environment of its own, the common interpreter serves
    binds: tuple[Bind, ...] = ()
    path_first: tuple[str, ...] = ()

    @property
    def python(self) -> tuple[str, ...]:
        """The interpreter's command."""
        return (str(self.root / "bin" / "python"),) if self.root else ("python3",)


class Environments:
    """Those of one machine, below `state`. Safe to use from several processes."""

    def __init__(self, state: Path, policy: Policy) -> None:
        self._folder = state / "environments"
        self._policy = policy

    def ensure(self, packages: Sequence[str], python: str = "") -> Environment:
        """The environment for these requirements, built if it is not there yet. Blocks: milliseconds when it is.

        `python` is a version or its bounds, "" for any. Raises UsageError for a requirement that may not be, and
        PackagesError when policy, uv or the index says no.
        """
        wanted, version = check_requirements(packages), check_python(python)
        if not wanted and _satisfied(version):
            return Environment()
        if wanted and not self._policy.grants.packages:
            raise PackagesError("policy grants no packages", hint="use the standard library, or set grants.packages")
        root = self._folder / _key(wanted, version)
        if not root.exists():
            with self._locked(root.name):
                if not root.exists():
                    self._build(root, wanted, version)
        return _environment(root)

    def key(self, packages: Sequence[str], python: str = "") -> str:
        """The name of the folder that `ensure` gives for these, "" where none is needed. Raises UsageError."""
        wanted, version = check_requirements(packages), check_python(python)
        return "" if not wanted and _satisfied(version) else _key(wanted, version)

    def kept(self) -> list[Path]:
        """All environments of this machine, half-built ones included."""
        if not self._folder.is_dir():
            return []
        return sorted(path for path in self._folder.iterdir() if path.is_dir())

    def remove(self, folder: Path) -> None:
        """Remove one of `kept`; whoever wants it later builds it anew."""
        name = folder.name.removeprefix(".").removesuffix(".new")
        with self._locked(name):
            remove_leftover(folder)

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Whoever else wants the same waits, and then finds it done."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f".{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _build(self, root: Path, packages: Sequence[str], version: str) -> None:
        """From what uv has kept, if that will do; else from the index."""
        uv = _Uv(self._policy)
        new = root.with_name(f".{root.name}.new")
        try:
            try:
                uv.build(new, packages, version, offline=True)
            except PackagesError:
                uv.build(new, packages, version, offline=False)
            new.rename(root)
        finally:
            remove_leftover(new)


def _key(packages: Sequence[str], version: str) -> str:
    """Same key, same environment: the requirements, the interpreter, and how we build."""
    facts = [_FORMAT, *packages, "", version, sys.version, str(find_toolchain().python)]
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:24]


def _satisfied(version: str) -> bool:
    """Will the interpreter that runs us do? Only a bare number is judged here; uv knows the rest."""
    running = ".".join(map(str, sys.version_info[:3]))
    return not version or running == version or running.startswith(f"{version}.")


def _environment(root: Path) -> Environment:
    """With the interpreter that it was made from, which may be another than ours."""
    python = (root / "bin" / "python").resolve()
    shown = [root, *roots_of(python)]
    return Environment(root, tuple(Bind(path, str(path)) for path in shown), (str(root / "bin"),))


class _Uv:
    """The program, and how we call it."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._program = find_uv()

    def build(self, new: Path, packages: Sequence[str], version: str, *, offline: bool) -> None:
        remove_leftover(new)
        python = version if version and not _satisfied(version) else str(find_toolchain().python)
        self._run(["venv", "--relocatable", "--no-project", "--python", python, str(new)], new.parent)
        if not packages:
            return
        install = ["pip", "install", "--python", str(new / "bin" / "python"), "--no-build", "--link-mode", "copy"]
        install += ["--requirements", "-", *self._exclude_newer(), *(["--offline"] if offline else [])]
        self._run(install, new.parent, "\n".join(packages))
        _compile(new, self._policy.isolation.install)

    def _exclude_newer(self) -> list[str]:
        days = self._policy.isolation.cool_down_days
        return ["--exclude-newer", f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%dT00:00:00Z}"] if days else []

    def _run(self, arguments: list[str], cwd: Path, stdin: str = "") -> None:
        """From a folder of ours: a project's own uv settings must not lead elsewhere."""
        command = [self._program, *arguments, "--no-python-downloads", "--no-progress", "--color", "never"]
        said = _run(command, cwd, stdin, self._policy.isolation.install)
        if said is not None:
            raise PackagesError(f"uv: {cut(clean(said), 800)}", hint="correct the requirements; wheels only")


def find_uv() -> str:
    """The program: the one installed beside us, else PATH's. Raises PackagesError."""
    import shutil

    with contextlib.suppress(ImportError, FileNotFoundError):
        from uv import find_uv_bin

        return find_uv_bin()
    found = shutil.which("uv")
    if found is None:
        raise PackagesError("uv is not installed", hint="`pip install uv`; artifacts without packages need none")
    return found


def _compile(root: Path, seconds: float) -> None:
    """-S: the packages' .pth files, which run code, stay unread. A file that does not compile fails when imported."""
    python = (root / "bin" / "python").resolve()
    _run([str(python), "-I", "-S", "-m", "compileall", "-q", str(root / "lib")], root, "", seconds)


def _run(command: list[str], cwd: Path, stdin: str, seconds: float) -> str | None:
    """None when it went well, else what it said."""
    env = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")}
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(stdin.encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        kill_all(process.pid)
        process.communicate()
        return f"not done within {seconds:.0f} s"
    return said.decode(errors="replace").strip() if process.returncode else None
