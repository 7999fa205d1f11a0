"""Endings of the names of JPEG and PNG files, in lower case, for what opens no file. No Pillow."""

JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif")
PNG_SUFFIXES = (".png",)
