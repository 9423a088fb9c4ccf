"""A blind listening test: its page, and the statistics of its results."""
