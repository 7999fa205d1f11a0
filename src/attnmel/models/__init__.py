"""From images to `Output(logits, attention)`; knows no data set."""
