"""Files of the scaffold that are not generated: read as text, never imported."""
