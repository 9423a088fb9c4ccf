"""The curves of a run, and what they say in words: rules that judge them."""
