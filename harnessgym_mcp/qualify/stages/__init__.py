"""The stages of the clean room, one module each; `run` of a stage gives its findings and adds to the context."""
