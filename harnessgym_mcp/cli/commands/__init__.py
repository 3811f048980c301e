"""One module for each command: `HELP`, `configure(parser)` and `run(arguments, output) -> exit code`."""
