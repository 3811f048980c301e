"""Mounted servers: pipes to generated MCP servers, their handshakes and their lives."""
