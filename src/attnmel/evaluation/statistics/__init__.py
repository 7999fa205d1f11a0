"""Intervals and tests: bootstrap, DeLong, proportions, several seeds."""
