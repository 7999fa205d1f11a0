"""From archives to batches; knows no network."""
