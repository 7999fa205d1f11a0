"""Rows of a table that `--row` gives: predictions that are there already, of which nothing is trained."""
