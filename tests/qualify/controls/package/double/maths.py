"""Arithmetic."""

try:
    import numpy_of_the_future as fast
except ImportError:
    fast = None


def twice(number):
    return 2 * number
