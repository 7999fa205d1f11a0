"""Files of images and masks, opened safely, to pixels in 8-bit sRGB, upright. No torch."""
