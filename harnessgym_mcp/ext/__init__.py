"""Optional extras, never imported unless asked for."""
