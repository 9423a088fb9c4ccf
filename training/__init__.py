"""What the training loop of train.py needs beside data, models and losses; imported by train.py alone."""
