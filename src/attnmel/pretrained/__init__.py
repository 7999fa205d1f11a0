"""Models that come with the program, each a folder of files with its card, and images to try them on. No torch."""
