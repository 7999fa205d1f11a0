"""The kinds of model that predict image files: an ONNX file, a network with torch, a mean of runs, a fusion."""
