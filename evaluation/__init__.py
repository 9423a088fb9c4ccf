"""Is the voice good: objective metrics on held-out sentences, a phoneme recogniser, hard texts, a listening test."""
