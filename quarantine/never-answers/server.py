"""Reads its input and says nothing."""

import sys

for line in sys.stdin:
    pass
