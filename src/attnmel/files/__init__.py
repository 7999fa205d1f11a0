"""Folders, files and downloads: where they are, how they are written whole, and who may write them."""
