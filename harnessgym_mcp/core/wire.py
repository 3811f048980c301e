"""MCP's protocol revisions and the reserved `_meta` keys of the revision without a handshake."""

__all__ = [
    "CAPABILITIES_KEY",
    "CLIENT_INFO_KEY",
    "LATEST_LEGACY",
    "LEGACY",
    "MODERN",
    "SERVER_INFO_KEY",
    "SUBSCRIPTION_KEY",
    "SUPPORTED",
    "UNSUPPORTED_VERSION",
    "VERSION_KEY",
]

LEGACY = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
LATEST_LEGACY = LEGACY[-1]
MODERN = "2026-07-28"
SUPPORTED = (*LEGACY, MODERN)

UNSUPPORTED_VERSION = -32022

_PREFIX = "io.modelcontextprotocol/"
VERSION_KEY = _PREFIX + "protocolVersion"
CAPABILITIES_KEY = _PREFIX + "clientCapabilities"
CLIENT_INFO_KEY = _PREFIX + "clientInfo"
SERVER_INFO_KEY = _PREFIX + "serverInfo"
SUBSCRIPTION_KEY = _PREFIX + "subscriptionId"
