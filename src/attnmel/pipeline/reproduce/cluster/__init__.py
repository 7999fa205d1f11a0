"""The runs of a table on the machines of a Ray cluster."""
