"""A single word is spoken with less noise.

A VITS voice learns from whole sentences, and users find that it mumbles a lone `Yes.`: there is no context that would
hold the sound together, and noise that passes unheard over a sentence decides about the only syllable. So below ten
phonemes both noise scales shrink towards a third with the length, unless the caller sets them. Ten and more are
untouched. It is a rule of thumb: how much it helps has not been measured by listeners, on any voice.
"""

_ENOUGH = 10  # phonemes that hold each other together
_LEAST = 1 / 3  # of the noise, which then still varies what is said twice


def calm(phonemes: int) -> float:
    """The share of the noise that a sentence of so many phonemes gets: rises evenly to 1 at ten."""
    return min(1.0, _LEAST + (1 - _LEAST) * phonemes / _ENOUGH)
