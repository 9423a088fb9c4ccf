"""How many of something there are, in words for people."""


def counted(count: int, noun: str) -> str:
    """Such as `1 sentence` or `2 sentences`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
