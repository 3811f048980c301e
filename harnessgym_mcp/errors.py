"""Every error that HarnessGym raises on purpose.

    HarnessGymError                 exit 1   something went wrong; `hint` says what to do next
    ├── UsageError                  exit 2   the call's words are off
    │   ├── NameRefused             exit 2   a name is illegal, reserved or collides
    │   └── PolicyError             exit 2   a setting is unknown or has a wrong value
    ├── NotFoundError               exit 3   no such artifact, tool, version, run
    ├── StateError                  exit 4   the home cannot be read or written as needed
    │   ├── CorruptError            exit 4   a file of ours is damaged (it is set aside, never deleted)
    │   └── LockedError             exit 4   another process holds what is needed
    ├── SlotError                   exit 5   the iteration's build slot does not allow this now
    ├── IsolationError              exit 6   no sandbox strong enough is available
    ├── PackagesError               exit 1   Python packages cannot be installed
    ├── UpstreamError               exit 7   a mounted server failed
    │   ├── UpstreamStartError      exit 7   it did not start or did not shake hands
    │   ├── UpstreamDiedError       exit 7   it died while a call was under way
    │   └── UpstreamProtocolError   exit 7   it said something that is not MCP
    └── FrameError                  exit 1   bytes that are not a JSON-RPC message

Exit codes in one place: 0 ok or better, 1 error, 2 usage, 3..7 as above, 10 rejected, 11 worse,
12 no evidence or underpowered, 13 not solved and not improved.
"""

from typing import ClassVar

__all__ = [
    "EXIT_NOT_IMPROVED",
    "EXIT_NO_EVIDENCE",
    "EXIT_OK",
    "EXIT_REJECTED",
    "EXIT_WORSE",
    "CorruptError",
    "FrameError",
    "HarnessGymError",
    "IsolationError",
    "LockedError",
    "NameRefused",
    "NotFoundError",
    "PackagesError",
    "PolicyError",
    "SlotError",
    "StateError",
    "UpstreamDiedError",
    "UpstreamError",
    "UpstreamProtocolError",
    "UpstreamStartError",
    "UsageError",
]

EXIT_OK = 0
EXIT_REJECTED = 10
EXIT_WORSE = 11
EXIT_NO_EVIDENCE = 12
EXIT_NOT_IMPROVED = 13


class HarnessGymError(Exception):
    """A failure with a stable code, a message for a person and what to do next."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(HarnessGymError):
    """The call's words are off."""

    code = "usage"
    exit_code = 2


class NameRefused(UsageError):
    """A name is illegal, reserved, too long, or collides with another."""

    code = "name-refused"


class PolicyError(UsageError):
    """A policy setting is unknown or has a value of the wrong kind."""

    code = "policy"


class NotFoundError(HarnessGymError):
    """No such artifact, tool, version or run."""

    code = "not-found"
    exit_code = 3


class StateError(HarnessGymError):
    """The home cannot be read or written as needed."""

    code = "state"
    exit_code = 4


class CorruptError(StateError):
    """A file of ours is damaged; it is set aside under another name, never deleted."""

    code = "corrupt"


class LockedError(StateError):
    """Another process holds what is needed."""

    code = "locked"


class SlotError(HarnessGymError):
    """The iteration's single build slot does not allow this now."""

    code = "slot"
    exit_code = 5


class IsolationError(HarnessGymError):
    """No sandbox strong enough is available on this machine."""

    code = "isolation"
    exit_code = 6


class PackagesError(HarnessGymError):
    """The Python packages that an artifact asks for cannot be installed."""

    code = "packages"


class UpstreamError(HarnessGymError):
    """A mounted server failed."""

    code = "upstream"
    exit_code = 7


class UpstreamStartError(UpstreamError):
    """A mounted server did not start or did not shake hands."""

    code = "upstream-start"


class UpstreamDiedError(UpstreamError):
    """A mounted server died while a call was under way."""

    code = "upstream-died"


class UpstreamProtocolError(UpstreamError):
    """A mounted server said something that is not MCP."""

    code = "upstream-protocol"


class FrameError(HarnessGymError):
    """Bytes that are not one JSON-RPC message; `request_id` is the raw id when it could be recovered."""

    code = "frame"

    def __init__(self, message: str, *, hint: str = "", rpc_code: int = -32700, request_id: bytes = b"null") -> None:
        super().__init__(message, hint=hint)
        self.rpc_code = rpc_code
        self.request_id = request_id
