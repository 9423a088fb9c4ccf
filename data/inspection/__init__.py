"""Inspection of recordings: decoding, signal metrics, faults and repairs."""
