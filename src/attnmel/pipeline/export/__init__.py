"""A trained model to an ONNX file that was checked against it."""
