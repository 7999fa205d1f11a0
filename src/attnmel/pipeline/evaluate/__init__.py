"""A run -> its results on disk, calibration, comparison, official scores."""
