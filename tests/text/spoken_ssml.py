"""What an SSML document says."""

import warnings

from text.ssml import Break, TextPiece, parse_ssml


def said(inside: str, language: str = "en-us") -> list[TextPiece | Break]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return parse_ssml(f"<speak>{inside}</speak>", language=language)


def texts(inside: str, language: str = "en-us") -> list[str]:
    return [part.text for part in said(inside, language) if isinstance(part, TextPiece)]
