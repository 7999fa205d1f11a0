"""Models and images -> saliency maps and their measures."""
