"""One network and images to maps."""
