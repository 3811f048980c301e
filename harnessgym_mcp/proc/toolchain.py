"""What of the machine's programs is visible inside: the interpreter that runs HarnessGym, and Node where there is one.

Both may live anywhere (pyenv, conda, uv, nvm, an npm package). Only their own folders are shown, never a home folder.
"""

import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["ETC", "ETC_NETWORK", "SYSTEM_PATH", "Toolchain", "find_toolchain", "is_private", "roots_of"]

SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")

ETC = tuple(
    f"/etc/{name}"
    for name in (
        *("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "locale.alias", "os-release"),
        *("apache2/mime.types", "fonts", "inputrc", "magic", "mime.types", "protocols", "services", "terminfo"),
        *("ssl/openssl.cnf", "pki/tls/openssl.cnf", "timezone"),
    )
)
"""What common programs read of /etc, and nothing secret. In tier B a file that is there but closed makes more trouble
than one that is missing: Node and Python's mimetypes stop at it."""

ETC_NETWORK = tuple(
    f"/etc/{name}"
    for name in (
        *("ca-certificates", "gai.conf", "host.conf", "resolv.conf", "ssl/cert.pem", "ssl/certs"),
        *("pki/ca-trust", "pki/tls/certs", "pki/tls/cert.pem"),
    )
)

_SYSTEM = tuple(map(Path, ("/usr", "/bin", "/lib", "/lib64", "/sbin")))
_CLOSED_STORES = (Path("/nix/store"), Path("/gnu/store"))  # packages there need one another: shown whole


@dataclass(frozen=True, slots=True)
class Toolchain:
    """`roots` are shown read-only at their own paths; `links` are names to put first in PATH; `path` is appended."""

    python: Path
    roots: tuple[Path, ...]
    links: tuple[tuple[str, Path], ...]
    path: tuple[str, ...] = ()


@cache
def find_toolchain() -> Toolchain:
    """The running interpreter's installation (not its virtual environment) and the first Node of PATH."""
    python = _base_python()
    roots = set(_python_roots(python))
    path: tuple[str, ...] = ()
    node = _node()
    if node is not None:
        roots |= set(_installation(node))
        path = (str(node.parent),)
    links = (("python", python), ("python3", python))
    return Toolchain(python, tuple(sorted(root for root in roots if not _in_system(root))), links, path)


def roots_of(python: Path) -> tuple[Path, ...]:
    """What another interpreter needs to be shown, beyond the system's folders."""
    return tuple(root for root in _installation(python) if not _in_system(root))


def _base_python() -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (Path(sys.base_exec_prefix) / "bin" / version, Path(sys.executable)):
        if candidate.exists():
            return candidate.resolve()
    return Path(sys.executable)


def _python_roots(python: Path) -> list[Path]:
    prefixes = {Path(sys.base_prefix), Path(sys.base_prefix).resolve(), Path(sys.base_exec_prefix).resolve()}
    library = f"python{sys.version_info.major}.{sys.version_info.minor}"
    roots: list[Path] = _installation(python)
    for prefix in prefixes:
        if is_private(prefix):
            roots += [prefix / "bin" / library, prefix / "lib" / library, *(prefix / "lib").glob("libpython*")]
        else:
            roots.append(_widen(prefix))
    return [root for root in roots if root.exists()]


def _installation(program: Path) -> list[Path]:
    """The folder above `bin`, unless that is someone's home: then the program alone."""
    prefix = program.parent.parent
    return [program] if program.parent.name != "bin" or is_private(prefix) else [_widen(prefix)]


def _widen(prefix: Path) -> Path:
    return next((store for store in _CLOSED_STORES if prefix.is_relative_to(store)), prefix)


def is_private(prefix: Path) -> bool:
    """A folder that holds more than an installation: a home, or something above one."""
    homes = (Path.home(), Path.home() / ".local", Path("/opt"), Path("/usr/local"))
    return any(home.is_relative_to(prefix) for home in homes) and not _in_system(prefix)


def _in_system(path: Path) -> bool:
    return any(path.is_relative_to(system) for system in _SYSTEM)


def _node() -> Path | None:
    """Node outside the system's folders, with shims of version managers left out (they need the manager)."""
    import shutil

    found = shutil.which("node", path=os.environ.get("PATH", ""))
    if found is None:
        return None
    node = Path(found).resolve()
    return None if _in_system(node) or node.name != "node" else node
