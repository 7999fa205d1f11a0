"""Settings in, files out: one file a command, without printing."""
