"""Prepared images to batches: loading, augmentation, ablations, stored maps of frozen layers."""
