"""Pretrained models of the installation, each a folder with its card, and example images. No torch."""
