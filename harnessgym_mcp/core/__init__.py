"""The pure core: names, formats, transitions and numbers. No I/O, no event loop."""
