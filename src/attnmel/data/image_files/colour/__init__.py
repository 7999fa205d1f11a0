"""The colours that the numbers of an image file mean, and their conversion to sRGB. No torch."""
