"""Networks: the synthesizer and its parts, and the discriminators. Each name is imported from its own module."""
