"""Coding agents as programs: Claude Code, Codex, scripts, any command."""
