"""Twice a number."""
