"""Policy settings from their four sources: flag over environment over `config.toml` over default.

[timeouts]                     HARNESSGYM_TIMEOUTS_CALL=120        --set timeouts.call=120
call = 120
"""

import re
from collections.abc import Mapping
from typing import Any

from harnessgym_mcp.core.policy import Policy, settings
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import PolicyError
from harnessgym_mcp.store.atomic import state_error
from harnessgym_mcp.store.home import Home

__all__ = ["load_policy", "variable"]

_HINT = "`harnessgym config show` lists all settings"


def load_policy(home: Home, flags: Mapping[str, str], env: Mapping[str, str]) -> tuple[Policy, dict[str, str]]:
    """The policy in force, and for each `section.key` where its value came from.

    `flags` maps `section.key` to text. Origins: `default`, `config.toml`, `env NAME`, `flag`. Raises PolicyError for an
    unknown setting, a wrong value or a broken file (named with its line), StateError for an unreadable file.
    """
    policy, origins = _from_file(home, dict.fromkeys(settings(), "default"))
    for name, dotted in _from_env(env).items():
        policy = _put(policy, dotted, env[name], f"environment variable {name}")
        origins[dotted] = f"env {name}"
    for dotted, text in flags.items():
        policy = policy.override({dotted: text})
        origins[dotted] = "flag"
    return policy, origins


def variable(dotted: str) -> str:
    """The environment variable of a `section.key`."""
    return "HARNESSGYM_" + dotted.replace(".", "_").upper()


def _from_env(env: Mapping[str, str]) -> dict[str, str]:
    known = {variable(dotted): dotted for dotted in settings()}
    sections = tuple({variable(dotted.partition(".")[0]) + "_" for dotted in settings()})
    for name in env:
        if name.startswith(sections) and name not in known:
            raise PolicyError(f"environment variable {one_line(name)} names no policy setting", hint=_HINT)
    return {name: dotted for name, dotted in known.items() if name in env}


def _put(policy: Policy, dotted: str, value: object, where: str) -> Policy:
    try:
        return policy.override({dotted: value})
    except PolicyError as error:
        raise PolicyError(f"{where}: {error.message}", hint=error.hint) from error


def _from_file(home: Home, origins: dict[str, str]) -> tuple[Policy, dict[str, str]]:
    try:
        data = home.config.read_bytes()
    except FileNotFoundError:
        return Policy(), origins
    except OSError as error:
        raise state_error("read", home.config, error) from error
    policy = Policy()
    text, table = _parse(home, data)
    for section, keys in table.items():
        for key, value in _keys(home, text, section, keys).items():
            where = f"{home.config}:{_line(text, section, key)}"
            policy = _put(policy, f"{section}.{key}", value, where)
            origins[f"{section}.{key}"] = "config.toml"
    return policy, origins


def _parse(home: Home, data: bytes) -> tuple[str, dict[str, Any]]:
    import tomllib

    try:
        text = data.decode()
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise PolicyError(f"{home.config}:{line}: not UTF-8", hint="save the file as UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise PolicyError(
            f"{home.config}:{line}: {one_line(str(error))}",
            hint="repair it, or move it away: without it every setting has its default",
        ) from error


def _keys(home: Home, text: str, section: str, keys: Any) -> dict[str, Any]:
    if isinstance(keys, dict):
        return keys
    where = f"{home.config}:{_line(text, '', section)}"
    raise PolicyError(f"{where}: {one_line(section)!r} stands outside a [section]", hint=_HINT)


def _line(text: str, section: str, key: str) -> int:
    """The line (from 1) that sets `key` in `[section]`, or the section's, or 1; for messages only."""
    key_line = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
    dotted_line = re.compile(rf"\s*{re.escape(section)}\s*\.\s*{re.escape(key)}\s*=")
    best, current = 1, ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\s*[\"']?([^\]\"']+?)[\"']?\s*\]", line)
        if header:
            current = header[1]
            best = number if current == section else best
        elif dotted_line.match(line) or (current == section and key_line.match(line)):
            return number
    return best
