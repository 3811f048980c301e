"""Files and SQLite: the home directory, the registry, telemetry."""
