"""A model and image files to a table of probabilities."""
