"""Pure checks: values in, findings out. They know nothing of files and processes."""
