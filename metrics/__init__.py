"""Every number a voice is judged by: pure functions of arrays."""
