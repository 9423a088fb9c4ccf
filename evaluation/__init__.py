"""Every number a voice is judged by."""
