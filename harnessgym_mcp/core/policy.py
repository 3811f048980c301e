"""The rules that HarnessGym runs under: the sections of numbers, and how they are set.

A `Policy` is immutable; `Policy.digest` is stamped on every verdict and trial, so that two of them can be
compared only when they were made under the same rules. `override` applies `section.key` settings with type checks.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, get_args, get_origin, get_type_hints

from harnessgym_mcp.core.sections import (
    Agents,
    Compare,
    Context,
    Dashboard,
    Doctor,
    Grants,
    Http,
    Isolation,
    Lifecycle,
    Limits,
    Loop,
    Mounts,
    Qualify,
    Telemetry,
    Timeouts,
)
from harnessgym_mcp.errors import PolicyError

__all__ = [
    "Agents",
    "Compare",
    "Context",
    "Dashboard",
    "Doctor",
    "Grants",
    "Http",
    "Isolation",
    "Lifecycle",
    "Limits",
    "Loop",
    "Mounts",
    "Policy",
    "Qualify",
    "Telemetry",
    "Timeouts",
]


@dataclass(frozen=True, slots=True)
class Policy:
    """Every rule that HarnessGym runs under."""

    limits: Limits = field(default_factory=Limits)
    timeouts: Timeouts = field(default_factory=Timeouts)
    mounts: Mounts = field(default_factory=Mounts)
    qualify: Qualify = field(default_factory=Qualify)
    grants: Grants = field(default_factory=Grants)
    context: Context = field(default_factory=Context)
    isolation: Isolation = field(default_factory=Isolation)
    telemetry: Telemetry = field(default_factory=Telemetry)
    dashboard: Dashboard = field(default_factory=Dashboard)
    http: Http = field(default_factory=Http)
    agents: Agents = field(default_factory=Agents)
    compare: Compare = field(default_factory=Compare)
    loop: Loop = field(default_factory=Loop)
    doctor: Doctor = field(default_factory=Doctor)
    lifecycle: Lifecycle = field(default_factory=Lifecycle)

    def as_dict(self) -> dict[str, dict[str, Any]]:
        return {section.name: dataclasses.asdict(getattr(self, section.name)) for section in fields(self)}

    @property
    def digest(self) -> str:
        """`sha256:<hex>` over the canonical JSON of all settings."""
        text = json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def override(self, settings: Mapping[str, object]) -> "Policy":
        """A copy with `{"section.key": value}` applied; text values are converted (they come from flags and env).

        Raises PolicyError for an unknown key or a value of the wrong kind.
        """
        by_section: dict[str, dict[str, Any]] = {}
        for dotted, value in settings.items():
            section, key = _locate(dotted)
            by_section.setdefault(section, {})[key] = _convert(dotted, value, _kind(section, key))
        changed = {s: dataclasses.replace(getattr(self, s), **kv) for s, kv in by_section.items()}
        return dataclasses.replace(self, **changed)


_SECTIONS = get_type_hints(Policy)
_CHOICES = {
    "context.expose": ("all", "search", "auto"),
    "isolation.tier": ("auto", "A", "B", "C", "D"),
    "grants.workspace": ("none", "read", "write"),
}


def settings() -> list[str]:
    """All `section.key` names, in order."""
    return [f"{section}.{f.name}" for section, kind in _SECTIONS.items() for f in fields(kind)]


def _locate(dotted: str) -> tuple[str, str]:
    section, _, key = dotted.partition(".")
    kind = _SECTIONS.get(section)
    if kind is None or key not in {f.name for f in fields(kind)}:
        raise PolicyError(f"no policy setting is called {dotted!r}", hint="`harnessgym config show` lists them all")
    return section, key


def _kind(section: str, key: str) -> Any:
    return get_type_hints(_SECTIONS[section])[key]


def _convert(dotted: str, value: object, kind: Any) -> object:
    try:
        converted = _convert_list(value) if get_origin(kind) is tuple else _convert_scalar(value, kind)
    except (ValueError, TypeError, OverflowError) as error:
        name = "list of text" if get_args(kind) else kind.__name__
        raise PolicyError(f"{dotted} takes a {name}, not {value!r}", hint="`harnessgym config show`") from error
    choices = _CHOICES.get(dotted)
    if choices and converted not in choices:
        raise PolicyError(f"{dotted} is one of {', '.join(choices)}, not {value!r}", hint="`harnessgym config show`")
    return converted


def _convert_list(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return tuple(value)
    raise TypeError


def _convert_scalar(value: object, kind: Any) -> object:
    if kind is bool:
        return _convert_bool(value)
    if isinstance(value, bool):
        raise TypeError
    if not isinstance(value, str if kind is str else int | float | str):
        raise TypeError
    if kind is str:
        return value
    number = float(value) if kind is float else int(value)
    if number < 0 or number != number or (kind is int and isinstance(value, float) and value != number):
        raise ValueError
    return number


def _convert_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in ("true", "yes", "on", "1"):
        return True
    if word in ("false", "no", "off", "0"):
        return False
    raise ValueError
