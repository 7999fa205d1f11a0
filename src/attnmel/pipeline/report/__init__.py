"""Run folders to one HTML report."""
