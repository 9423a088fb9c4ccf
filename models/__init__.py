"""The synthesizer, its parts and its discriminators; a model on disk. Each name is imported from its own module."""
