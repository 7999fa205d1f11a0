"""Runs on the same images: paired tests and differences."""
