"""The site: addresses, pages, and every failure as a page that says what to do next."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from harnessgym_mcp import __version__
from harnessgym_mcp.dashboard.actions import roll_back
from harnessgym_mcp.dashboard.guard import Guard
from harnessgym_mcp.dashboard.pages.artifacts import artifact, confirm
from harnessgym_mcp.dashboard.pages.iterations import iterations
from harnessgym_mcp.dashboard.pages.live import events, live
from harnessgym_mcp.dashboard.pages.overview import overview
from harnessgym_mcp.dashboard.pages.quarantine import evidence, quarantine
from harnessgym_mcp.dashboard.pages.runs import run, runs
from harnessgym_mcp.dashboard.pages.tools import tool, tools
from harnessgym_mcp.dashboard.rendering import asset, render, style
from harnessgym_mcp.dashboard.site import Site
from harnessgym_mcp.errors import HarnessGymError, NotFoundError, UsageError
from harnessgym_mcp.server.metrics import CONTENT_TYPE, exposition

__all__ = ["build"]

Builder = Callable[[Site, Request], dict[str, Any]]

_NAVIGATION = (
    ("overview", "/", "Overview"),
    ("live", "/live", "Live calls"),
    ("tools", "/tools", "Tools"),
    ("quarantine", "/quarantine", "Quarantine"),
    ("iterations", "/iterations", "Iterations"),
    ("runs", "/runs", "Runs"),
)

_PAGES: tuple[tuple[str, str, str, Builder], ...] = (
    ("/", "overview", "overview", overview),
    ("/live", "live", "live", live),
    ("/tools", "tools", "tools", tools),
    ("/tool", "tool", "tools", tool),
    ("/quarantine", "quarantine", "quarantine", quarantine),
    ("/quarantine/{name}/{digest}", "evidence", "quarantine", evidence),
    ("/artifacts/{name}", "artifact", "overview", artifact),
    ("/artifacts/{name}/rollback", "confirm", "overview", confirm),
    ("/iterations", "iterations", "iterations", iterations),
    ("/runs", "runs", "runs", runs),
    ("/runs/{id}", "run", "runs", run),
)
"""Address, template, the part of the navigation that it belongs to, and what it shows."""


def build(site: Site, port: int, ending: anyio.Event) -> Guard:
    """The guarded site as it answers on `port`; `ending` ends the live streams."""

    async def stream(request: Request) -> Response:
        return events(site, request, ending)

    async def act(request: Request) -> Response:
        try:
            return await roll_back(site, request)
        except HarnessGymError as error:
            return _failed(site, error)

    async def metrics(request: Request) -> Response:
        text = await run_sync(exposition, site.home, site.policy)
        return Response(text, media_type=CONTENT_TYPE)

    routes = [
        *(
            Route(path, _page(site, template, part, builder), methods=["GET"])
            for path, template, part, builder in _PAGES
        ),
        Route("/artifacts/{name}/rollback", act, methods=["POST"]),
        Route("/events", stream),
        Route("/metrics", metrics),
        Route("/style.css", _asset(style, "text/css")),
        Route("/app.js", _asset(lambda: asset("app.js"), "text/javascript")),
        Route("/icon.svg", _asset(lambda: asset("icon.svg"), "image/svg+xml")),
    ]
    return Guard(Starlette(routes=routes, exception_handlers={HTTPException: _unknown(site)}), site.keys, port)


def _page(site: Site, template: str, part: str, builder: Builder) -> Callable[[Request], Awaitable[Response]]:
    def made(request: Request) -> Response:
        try:
            values = builder(site, request)
        except HarnessGymError as error:
            return _failed(site, error)
        return HTMLResponse(render(f"{template}.html.j2", part=part, **_common(site), **values))

    async def answer(request: Request) -> Response:
        return await run_sync(made, request)

    return answer


def _common(site: Site) -> dict[str, Any]:
    return {
        "navigation": _NAVIGATION,
        "workspace": str(site.home.workspace),
        "form_key": site.keys.form,
        "harnessgym": __version__,
    }


def _failed(site: Site, error: HarnessGymError) -> Response:
    status = 404 if isinstance(error, NotFoundError) else 400 if isinstance(error, UsageError) else 500
    page = render("error.html.j2", part="", error=error, status=status, **_common(site))
    return HTMLResponse(page, status)


def _unknown(site: Site) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        if status == 404:
            return _failed(site, NotFoundError("there is no such page", hint="begin at the overview"))
        return PlainTextResponse(f"{status}\n", status)

    return answer


def _asset(text: Callable[[], str], kind: str) -> Callable[[Request], Response]:
    return lambda request: Response(text(), media_type=kind)
