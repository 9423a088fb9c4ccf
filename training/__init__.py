"""What a training loop needs beside model, data and losses: schedule, averaged weights, precision, and a journal."""
