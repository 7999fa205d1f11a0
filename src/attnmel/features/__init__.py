"""Features of images, encoders and SVMs: a classifier that is fitted, not trained by gradients."""
