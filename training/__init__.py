"""What the training loop of train.py needs beside data, models and losses; evaluation shares its recogniser."""
