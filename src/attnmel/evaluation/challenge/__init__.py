"""The official measures and file formats of the ISIC challenges."""
