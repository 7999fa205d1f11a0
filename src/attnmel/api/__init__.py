"""The package as a library: what `attnmel.train` and so on are, and what commands call. Each answer is a record."""
