"""Inference around the models: options, engines, timestamps, outputs, batch synthesis and the command line."""
