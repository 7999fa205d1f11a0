"""Image files to prepared images in a memory-mapped cache. No torch."""
