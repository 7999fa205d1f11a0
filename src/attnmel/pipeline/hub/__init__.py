"""A run as a model on a Hugging Face hub, and back."""
