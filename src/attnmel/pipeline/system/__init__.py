"""A recipe of features and SVMs to a fitted run folder."""
