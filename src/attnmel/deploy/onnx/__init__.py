"""The ONNX file that `attnmel export` writes: its graph, weights, texts and hash. The reading parts need no torch."""
