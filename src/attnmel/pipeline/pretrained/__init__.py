"""A finished run to a model that comes with the program."""
