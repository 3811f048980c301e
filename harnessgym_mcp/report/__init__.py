"""Numbers once, several faces."""
