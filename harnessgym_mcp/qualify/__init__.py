"""The clean room: stages that an artifact passes before any agent sees it."""
