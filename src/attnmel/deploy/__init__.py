"""Use of a trained network by other programs: its ONNX file, and the code that runs that without torch."""
