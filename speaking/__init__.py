"""What infer.py needs besides the models: manner, durations, timestamps, and where the audio goes."""
