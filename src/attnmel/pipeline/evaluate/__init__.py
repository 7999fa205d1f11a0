"""Predictions of a run to measures on disk."""
