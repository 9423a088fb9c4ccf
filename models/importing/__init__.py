"""Voices of other programs, and our own, as voices to speak with, to export, or to train on."""
