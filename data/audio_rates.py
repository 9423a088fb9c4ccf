"""The sample rates that an audio file can be written at."""

LOWEST_RATE, HIGHEST_RATE = 1000, 384000  # in hertz; not every format has all of them
