"""What the training loop of train.py needs beside model, data and losses; imported by train.py alone."""
