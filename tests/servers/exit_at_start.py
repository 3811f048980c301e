"""Exits at once with a message on stderr."""

import sys

if __name__ == "__main__":
    sys.exit("exit_at_start: no module named 'luck'")
