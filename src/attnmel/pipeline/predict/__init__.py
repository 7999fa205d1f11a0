"""From a model and image files to a table of probabilities."""
