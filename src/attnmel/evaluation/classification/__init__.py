"""Predictions to ranking measures, operating points, confusion matrix and decision curve."""
