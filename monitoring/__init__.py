"""Is my run going well: its diagnosis in words, and its loss curves as a page; everything reads a run folder here."""
