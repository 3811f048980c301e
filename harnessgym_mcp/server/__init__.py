"""MCP to the agent: fronts, the switchboard, the control tools."""
