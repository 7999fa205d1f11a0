"""What `evaluate` writes into a run folder: measures, details, thresholds."""
