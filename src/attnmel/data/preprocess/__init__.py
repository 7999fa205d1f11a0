"""Images to prepared squares in a memory-mapped cache, and to the input of a network. No torch."""
