"""From images to `Output` (logits, attention maps, masks); knows no data set."""
