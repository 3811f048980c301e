"""The HTTP front's door: one path, a bearer token, and names under which a browser may not be made to ask."""

import ipaddress
import json
import secrets
from collections.abc import Mapping, Sequence
from hmac import compare_digest
from pathlib import Path
from typing import TYPE_CHECKING

from harnessgym_mcp.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["PATH", "Guard", "allowed_hosts", "allowed_origins", "is_loopback", "read_token"]

PATH = "/mcp"
_TOKEN_VARIABLE = "HARNESSGYM_HTTP_TOKEN"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def is_loopback(host: str) -> bool:
    """Is the address one that only this machine reaches? A name other than `localhost` counts as one that is not."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_token(file: Path | None, environ: Mapping[str, str], host: str, least: int) -> str:
    """The bearer token from the file, else from the environment; "" where none is needed.

    Raises UsageError when it cannot be read, is shorter than `least` characters, or is missing off loopback.
    """
    hint = f"a random one: {secrets.token_urlsafe(24)}"
    try:
        token = file.read_text("utf-8").strip() if file else environ.get(_TOKEN_VARIABLE, "").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the token file cannot be read: {error}") from None
    if (token or file) and (len(token) < least or not token.isascii() or not token.isprintable()):
        raise UsageError(f"the token has to be {least} printable ASCII characters or more", hint=hint)
    if not token and not is_loopback(host):
        raise UsageError(
            f"{host} can be reached from other machines: a token is needed",
            hint=f"--token-file FILE or {_TOKEN_VARIABLE}; {hint}",
        )
    return token


def allowed_hosts(host: str, more: Sequence[str]) -> list[str]:
    """Host headers that are answered, with any port: loopback's, the address bound to, and what was named."""
    named = [f"[{name}]" if ":" in name and not name.startswith("[") else name for name in (*_LOOPBACK, host, *more)]
    return [form for name in dict.fromkeys(named) for form in (name, f"{name}:*")]


def allowed_origins(hosts: Sequence[str]) -> list[str]:
    """Origin headers that are answered; a request without one comes from no browser."""
    return [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]


class Guard:
    """Wraps the MCP endpoint: nothing but `/mcp`, and nobody without the token."""

    def __init__(self, app: "ASGIApp", token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            return  # no web sockets here
        if scope["path"].rstrip("/") != PATH:
            await _refuse(send, 404, f"the MCP endpoint is {PATH}")
        elif self._token and not self._known(dict(scope["headers"]).get(b"authorization", b"")):
            await _refuse(send, 401, "a bearer token is needed", (b"www-authenticate", b"Bearer"))
        else:
            await self._app(scope, receive, send)

    def _known(self, header: bytes) -> bool:
        kind, _, given = header.partition(b" ")
        return kind.lower() == b"bearer" and compare_digest(given.strip(), self._token)


async def _refuse(send: "Send", status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": text}}).encode()
    described = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": described})
    await send({"type": "http.response.body", "body": body})
