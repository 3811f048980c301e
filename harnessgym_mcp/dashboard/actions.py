"""What the dashboard can change: an artifact's current version, back to a former one."""

from hmac import compare_digest
from urllib.parse import parse_qs, quote

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from harnessgym_mcp.dashboard.site import Site
from harnessgym_mcp.errors import UsageError
from harnessgym_mcp.store.publish import rollback

__all__ = ["roll_back"]


async def roll_back(site: Site, request: Request) -> Response:
    """Do what the confirmation page asked. Raises UsageError, NotFoundError, StateError, LockedError."""
    name = request.path_params["name"]
    form = await _form(request, site.policy.dashboard.form_bytes)
    if not compare_digest(form.get("form", "").encode(), site.keys.form.encode()):
        raise UsageError("this form is not from this run of the dashboard", hint="go back, reload the page, try again")
    digest = form.get("to", "")
    if len(digest) < 12:
        raise UsageError("no version was named", hint="choose one on the artifact's page")
    registry = await run_sync(rollback, site.stores(), name, digest)
    now = registry.artifacts[name].current[7:19]
    return RedirectResponse(f"/artifacts/{quote(name)}?now={now}", 303)


async def _form(request: Request, most: int) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise UsageError("the form is too long")
    return {key: values[0] for key, values in parse_qs(body.decode("utf-8", "replace")).items()}
