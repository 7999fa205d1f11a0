"""The images that a run uses: its data set, squares, normalisation, features, and notes on them."""
