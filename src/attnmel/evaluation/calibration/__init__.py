"""How far probabilities can be trusted, and temperature scaling."""
