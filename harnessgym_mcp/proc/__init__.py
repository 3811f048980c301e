"""Processes: sandboxes, their probes, environments, process groups."""
