"""The door: only this machine's browser, with the key, from our own page; and what a browser may do with a page.

Another web site can make a browser send requests to loopback. It cannot read the address that was printed, cannot
name our host (DNS rebinding), and cannot send a form with our Origin: each of the three is asked for.
"""

from hmac import compare_digest

from starlette.datastructures import URL, Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harnessgym_mcp.dashboard.site import Keys

__all__ = ["HEADERS", "Guard"]

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # with no-referrer a browser would send our own forms with the Origin `null`
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
"""Put on every answer that does not say otherwise: nothing inline runs, nothing is fetched from elsewhere."""

_HINT = "Open the address that `harnessgym dashboard` printed; it holds the key.\n"


class Guard:
    """Wraps the site. `hosts` are the Host headers under which it may be asked."""

    def __init__(self, app: ASGIApp, keys: Keys, port: int) -> None:
        self._app = app
        self._keys = keys
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        self._cookie = f"harnessgym-{port}"  # cookies know no ports: two dashboards must not share one

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no web sockets here

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await (self._answer(Request(scope)) or self._app)(scope, receive, send_with_headers)

    def _answer(self, request: Request) -> Response | None:
        """A refusal or a redirection; None lets the request in."""
        if request.headers.get("host", "") not in self._hosts:
            return PlainTextResponse("This is not a name of this dashboard.\n", 421)
        if request.method not in ("GET", "HEAD") and not _own_page(request.headers):
            return PlainTextResponse("Only the dashboard's own pages may ask for this.\n", 403)
        if "token" in request.query_params:
            return self._exchange(request)
        return None if self._known(request) else PlainTextResponse(_HINT, 401)

    def _exchange(self, request: Request) -> Response:
        """The key of the address for a cookie, so that it stays in no history, log or bookmark."""
        if not _same(request.query_params["token"], self._keys.token):
            return PlainTextResponse(_HINT, 401)
        clean = URL(scope={**request.scope, "query_string": b""}).remove_query_params("token")
        answer = RedirectResponse(clean.path, 303)
        answer.set_cookie(self._cookie, self._keys.session, httponly=True, samesite="strict", path="/")
        return answer

    def _known(self, request: Request) -> bool:
        if _same(request.cookies.get(self._cookie, ""), self._keys.session):
            return True
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        return request.url.path == "/metrics" and kind.lower() == "bearer" and _same(key.strip(), self._keys.token)


def _own_page(headers: Headers) -> bool:
    return headers.get("origin") == f"http://{headers.get('host')}" and headers.get(
        "sec-fetch-site", "same-origin"
    ) in (
        "same-origin",
        "none",
    )


def _same(given: str, wanted: str) -> bool:
    return compare_digest(given.encode(), wanted.encode())
