"""What of our environment an agent's program gets: an allow list, and what that agent itself is configured by.

The agent is the user's own program, so its credentials reach it. They do not reach the harness: `bare_entry` starts
the MCP entry without them, since Claude Code hands its whole environment on to its servers.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from harnessgym_mcp.agents.agent import Entry

__all__ = ["COMMON", "bare_entry", "scrub"]

COMMON = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TERM", "TMPDIR", "XDG_*"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "NO_PROXY", "no_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
)
"""What any program may know. A proxy's address can hold a password: it is among the `_SECRETS` all the same."""

_IDENTITIES = (
    *("CLAUDECODE", "CLAUDE_PROJECT_DIR", "CLAUDE_CODE_SESSION_ID", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT"),
    *("CLAUDE_CODE_LAUNCHED_BY_SESSION_IDS", "CLAUDE_CODE_CHILD_NOTES_DIR", "CLAUDE_CODE_MESSAGING_*", "AI_AGENT"),
    *("CODEX_THREAD_ID", "CODEX_SANDBOX*", "HARNESSGYM_*"),
)
"""Set by an agent for what it starts. When we are started by one, they would tell of the wrong session."""

_SECRETS = (
    *("*_KEY", "*_TOKEN", "*_SECRET", "*_PASSWORD", "*_CREDENTIALS", "*_AUTH", "*_HEADERS"),
    *("ANTHROPIC_*", "OPENAI_*", "AWS_*", "AZURE_*", "GOOGLE_*", "*_PROXY", "*_proxy"),
)
_NOT_SECRET = ("NO_PROXY", "no_proxy")
_INJECTED = ("CLAUDE_CODE_MESSAGING_SOCKET", "CLAUDE_CODE_MESSAGING_TOKEN")
"""Claude Code gives them to its servers: with them a server could speak to the session as if it were its user."""


def scrub(source: Mapping[str, str], keep: Iterable[str] = (), put: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables of `source` that COMMON or `keep` name (`PREFIX*` is allowed), but none that tells who runs us;
    then `put`."""
    wanted = (*COMMON, *keep)
    return {k: v for k, v in source.items() if _any(k, wanted) and not _any(k, _IDENTITIES)} | dict(put or {})


def bare_entry(entry: Entry, env: Mapping[str, str]) -> tuple[str, ...]:
    """The entry's command, started through env(1) without those of `env` that may hold credentials."""
    held = sorted(k for k in env if _any(k, _SECRETS) and k not in _NOT_SECRET and k not in entry.env)
    unset = [word for name in (*held, *_INJECTED) for word in ("-u", name)]
    return ("/usr/bin/env", *unset, *entry.command)


def _any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
