"""Is the voice good: objective metrics on held-out sentences, the listening test, the recogniser, hard texts."""
