"""Ends before it has begun."""

raise SystemExit("the configuration is missing")
