"""The lesion masks of a prediction: of a folder, or by a segmenter."""
