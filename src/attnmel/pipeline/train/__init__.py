"""A recipe to a trained run folder."""
