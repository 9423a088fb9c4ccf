"""Normalisation of addresses, handles and hashtags in English."""

import re

from text.addresses import address_rules
from text.english.words import digits
from text.rules import Rule
from text.tables import table

SIGNS = table(
    """
    .: dot, @: at, /: slash, -: dash, _: underscore, ~: tilde, ?: question mark, =: equals, &: and, #: hash,
    %: percent, +: plus
    """
)


def _hashtag(match: re.Match[str]) -> str:
    return "hashtag " + re.sub(r"(?<=[a-z])(?=[A-Z])|_|(?<=[A-Za-z])(?=\d)", " ", match[1])


RULES = (
    *address_rules(SIGNS, digits),
    Rule(r"(?<!\S)@(?=[A-Za-z]\w)", "at "),
    Rule(r"(?<![\w#])#([A-Za-z]\w{0,60})", _hashtag),
)
