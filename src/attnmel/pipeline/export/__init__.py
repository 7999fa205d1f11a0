"""From a trained network to an ONNX file that was checked against it."""
