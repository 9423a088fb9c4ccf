"""Splitting of long recordings at silences, where an aligner and the speaking rate say that a sentence ends."""
