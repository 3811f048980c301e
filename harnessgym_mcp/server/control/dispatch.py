"""From a control tool's name to its answer; failures of ours become tool results with `isError`."""

from typing import Any

from harnessgym_mcp.errors import HarnessGymError, NotFoundError, UsageError
from harnessgym_mcp.qualify.submission import Submitter
from harnessgym_mcp.server.asking import Ask
from harnessgym_mcp.server.control.definitions import DEFINITIONS
from harnessgym_mcp.server.control.find import Finder
from harnessgym_mcp.server.control.reflect import reflect
from harnessgym_mcp.server.control.services import Services, failure, reply
from harnessgym_mcp.server.control.stats import stats
from harnessgym_mcp.server.control.submit import Submissions

__all__ = ["Control"]

_KINDS = {"string": str, "number": int | float, "boolean": bool, "object": dict, "array": list}


class Control:
    """The control tools, as the switchboard calls them."""

    def __init__(self, services: Services, submitter: Submitter) -> None:
        self._services = services
        self._find = Finder(services)
        self._submit = Submissions(services, submitter)

    async def __call__(self, name: str, ask: Ask) -> dict[str, Any]:
        most = self._services.policy.limits.result_chars
        try:
            _check_arguments(name, ask.arguments)
            return reply(await self._run(name, ask), most)
        except HarnessGymError as error:
            return failure(error, most)

    async def _run(self, name: str, ask: Ask) -> dict[str, Any]:
        match name:
            case "harnessgym.stats":
                return await stats(self._services, ask)
            case "harnessgym.reflect":
                return await reflect(self._services, ask)
            case "harnessgym.submit_artifact":
                return await self._submit(ask)
            case "harnessgym.tools":
                return await self._find(ask)
        raise NotFoundError(f"{name} is no control tool")


def _check_arguments(name: str, arguments: dict[str, Any]) -> None:
    """Unknown arguments and wrong kinds are told, not passed over: a model that errs learns it at once."""
    definition = next(d for d in DEFINITIONS if d["name"] == name)
    known = definition["inputSchema"]["properties"]
    unknown = sorted(set(arguments) - set(known))
    if unknown:
        raise UsageError(f"{name} has no argument {unknown[0][:60]!r}", hint=f"it takes: {', '.join(known) or 'none'}")
    for key, value in arguments.items():
        kinds = known[key]["type"] if isinstance(known[key]["type"], list) else [known[key]["type"]]
        if value is not None and not any(_is_kind(value, kind) for kind in kinds):
            raise UsageError(f"`{key}` is of type {' or '.join(kinds)}", hint=known[key].get("description", ""))


def _is_kind(value: object, kind: str) -> bool:
    return isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))
