"""The doctor's check of the sandbox: which tier is in force, what it lacks, and what would give the strongest."""

import sys
from pathlib import Path

import msgspec

from harnessgym_mcp.core.text import one_line
from harnessgym_mcp.core.verdict import IsolationReport
from harnessgym_mcp.errors import IsolationError
from harnessgym_mcp.server.doctor_finding import Context, Finding, Status

__all__ = ["check_isolation", "remedy_for"]

_INSTALL = "install the package bubblewrap (Debian, Ubuntu: `apt install bubblewrap`; Fedora: `dnf install bubblewrap`)"
_APPARMOR = """\
let AppArmor allow bubblewrap its namespaces: put this into /etc/apparmor.d/bwrap
    abi <abi/4.0>,
    include <tunables/global>
    profile bwrap /usr/bin/bwrap flags=(unconfined) {
      userns,
      include if exists <local/bwrap>
    }
and load it with `sudo apparmor_parser -r /etc/apparmor.d/bwrap`"""
_CLONE = "allow user namespaces: `sudo sysctl -w kernel.unprivileged_userns_clone=1`"
_MOST = "allow user namespaces: `sudo sysctl -w user.max_user_namespaces=15000`"
_CONTAINER = "a container forbids the namespaces that bubblewrap needs: give it --security-opt seccomp=unconfined \
--security-opt apparmor=unconfined, or live with tier B, which needs none"


def check_isolation(context: Context) -> Finding:
    """The tier that policy asks for, probed anew: what a former probe found may no longer hold."""
    import tempfile

    from harnessgym_mcp.proc.choose import choose_sandbox

    with tempfile.TemporaryDirectory(prefix="harnessgym-doctor-") as folder:
        try:
            report = choose_sandbox(context.policy.isolation, Path(folder)).report
        except IsolationError as error:
            return Finding("fail", error.message, remedy_for(error.message) or error.hint)
    return _judge(report, context.policy.isolation.allow_unconfined)


def _judge(report: IsolationReport, allow_unconfined: bool) -> Finding:
    what = f"tier {report.tier} ({report.mechanism})"
    if report.missing:
        what += f"; not in force: {', '.join(report.missing)}"
    failed = {t["tier"]: t["error"] for t in report.tried if t.get("error")}
    why = failed.get("A") or failed.get("C") or ""
    details = msgspec.to_builtins(report)
    if not report.confined:
        status: Status = "warn" if allow_unconfined else "fail"
        what += "; artifacts are " + ("promoted unconfined, as policy allows" if allow_unconfined else "not promoted")
        return Finding(status, f"{what} ({one_line(why)})", remedy_for(why), details)
    if report.tier == "B":
        reason = f" (tier A: {one_line(why)})" if why else ""
        return Finding("warn" if why else "ok", what + reason, remedy_for(why), details)
    return Finding("ok", what, "", details)


def remedy_for(why: str) -> str:
    """What gives tier A, by what the kernel and bubblewrap say; "" where there is nothing to be done."""
    if not why or sys.platform != "linux":
        return ""
    if "not installed" in why:
        return _INSTALL
    if _kernel("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return _APPARMOR
    if _kernel("kernel/unprivileged_userns_clone") == "0":
        return _CLONE
    if _kernel("user/max_user_namespaces") == "0":
        return _MOST
    return _CONTAINER


def _kernel(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return ""
