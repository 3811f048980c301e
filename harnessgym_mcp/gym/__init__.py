"""The loop around an agent: run, compare, demo."""
