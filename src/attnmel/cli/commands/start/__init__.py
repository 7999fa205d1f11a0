"""Commands to begin with, and those about this installation."""
