"""Voices judged by listeners: a page with a blind test, and what its results say."""
