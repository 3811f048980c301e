"""Measurements, each comparing its arms in one interleaved run; run them with `python -m benchmarks.NAME`."""
