"""Feature vectors -> SVMs with calibrated probabilities."""
