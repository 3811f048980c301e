"""The web page over a home."""
