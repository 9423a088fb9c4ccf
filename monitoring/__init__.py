"""Is my run going well: the reader of a run folder, its diagnosis in words, and its curves as a page."""
