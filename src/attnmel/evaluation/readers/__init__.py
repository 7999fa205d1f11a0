"""Studies in which several readers rate the same cases: arrays in, numbers out."""
