"""`harnessgym doctor`: is everything here as it should be? Each check by itself, within a deadline, changing nothing.

A check says what it found and, where something is amiss, what to do. One that hangs has failed: it runs in a thread
that nobody waits for.
"""

import asyncio
import sysconfig
import threading
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any

from harnessgym_mcp.core.policy import Policy
from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.errors import HarnessGymError, UsageError
from harnessgym_mcp.server.doctor_checks import CHECKS
from harnessgym_mcp.server.doctor_clients import client_checks
from harnessgym_mcp.server.doctor_finding import Check, Context, Finding, Status
from harnessgym_mcp.server.doctor_sample import check_sample
from harnessgym_mcp.server.options import Options
from harnessgym_mcp.store.home import Home

__all__ = ["examine", "worst"]


async def examine(
    options: Options, env: Mapping[str, str], only: Collection[str] = ()
) -> AsyncIterator[tuple[str, Finding]]:
    """`(id, finding)` of every check or of those in `only`, in a fixed order, each as soon as it is done.

    Raises UsageError for an id that no check has.
    """
    checks: dict[str, Check] = {**CHECKS, **client_checks()}
    wanted = _wanted(["config", *checks, "sample"], only)
    context, finding = _context(options, env)
    seconds = context.policy.doctor
    sysconfig.get_config_vars()  # its first call is not safe in several threads at once
    if "config" in wanted:
        yield "config", finding
    running = {id: _start(check, context, seconds.check) for id, check in checks.items() if id in wanted}
    for id, work in running.items():
        yield id, await work
    if "sample" in wanted:  # by itself: it measures times
        yield "sample", await _start(check_sample, context, seconds.sample)


def _wanted(ids: list[str], only: Collection[str]) -> Collection[str]:
    for id in only:
        if id not in ids:
            raise UsageError(f"no check is called {one_line(id, 60)!r}", hint=f"one of {', '.join(ids)}")
    return only or ids


def worst(findings: list[Finding]) -> Status:
    """`fail` if anything failed, else `warn` if anything is worth one, else `ok`."""
    statuses = {finding.status for finding in findings}
    return "fail" if "fail" in statuses else "warn" if "warn" in statuses else "ok"


def _context(options: Options, env: Mapping[str, str]) -> tuple[Context, Finding]:
    """A config.toml that cannot be used is a finding, and the other checks go on under the defaults."""
    home = Home.open(options.workspace, options.home, options.state, create=False)
    try:
        _, policy = options.open(create=False)
    except HarnessGymError as error:
        return Context(options, home, Policy(), env), Finding("fail", error.message, error.hint)
    said = f"{home.config} is sound" if home.config.exists() else "no config.toml: every setting has its default"
    return Context(options, home, policy, env), Finding("ok", said)


def _start(check: Check, context: Context, seconds: float) -> "asyncio.Task[Finding]":
    return asyncio.create_task(_within(check, context, seconds))


async def _within(check: Check, context: Context, seconds: float) -> Finding:
    """The finding, whatever the check does: nothing that goes wrong in one keeps the others from being told."""
    try:
        async with asyncio.timeout(seconds):
            return await (check(context) if asyncio.iscoroutinefunction(check) else _in_thread(check, context))
    except TimeoutError:
        return Finding("fail", f"no answer within {seconds:.0f} s", "look at what this machine is busy with; try again")
    except HarnessGymError as error:
        return Finding("fail", error.message, error.hint)
    except Exception as error:
        return Finding("fail", f"the check itself failed: {one_line(repr(error))}", "please report this")


async def _in_thread(check: Callable[..., Any], context: Context) -> Finding:
    """A daemon thread: one that hangs is left behind and does not hold the program up at its end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Finding] = loop.create_future()

    def give(finding: Finding | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        elif finding is not None:
            done.set_result(finding)

    def work() -> None:
        finding, failed = None, None
        try:
            finding = check(context)
        except Exception as error:
            failed = error
        try:
            loop.call_soon_threadsafe(give, finding, failed)
        except RuntimeError:  # the loop has closed: nobody waits any more
            return

    threading.Thread(target=work, daemon=True, name="doctor").start()
    return await done
