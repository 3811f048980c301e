"""HarnessGym: one MCP server that keeps, qualifies, mounts and measures the tools coding agents build."""

__all__ = ["__version__"]

__version__ = "0.1.0"
