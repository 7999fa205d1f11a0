"""The tables of the thesis: their rows, published figures, and what a reproduction holds."""
