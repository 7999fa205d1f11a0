"""Predictions of runs and files to one run or one file."""
