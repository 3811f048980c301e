"""The composition root: parser, output, exit codes. No logic."""
