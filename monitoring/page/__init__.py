"""The curves of one or more runs: one page that needs nothing but itself, one picture, and what they say in words."""
