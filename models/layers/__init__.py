"""Layers that are not specific to speech."""
