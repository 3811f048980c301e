"""Optional ways out for the record of calls: OpenTelemetry, files for other machines and tools."""
