"""Measures of lesion masks."""
