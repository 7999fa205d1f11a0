"""Masks and features to the pixel-level prior of the attention maps. No torch."""
