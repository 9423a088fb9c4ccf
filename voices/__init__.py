"""A voice on disk and in other formats: checkpoints, voice files, ONNX and other programs' models."""
