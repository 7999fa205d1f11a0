"""Commands that evaluate, compare and report."""
