"""A trained model for others: the file that holds it, and what runs the file without torch."""
