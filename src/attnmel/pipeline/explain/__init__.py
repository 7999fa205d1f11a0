"""Models and images to saliency maps and what they are worth."""
