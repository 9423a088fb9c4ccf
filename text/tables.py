"""Word tables, written as text for readability."""


def words(text: str) -> frozenset[str]:
    """A set of words, separated by white space."""
    return frozenset(text.split())


def table(text: str) -> dict[str, str]:
    """A mapping of `written: read` entries, separated by commas."""
    entries = (entry.partition(": ") for entry in text.replace("\n", " ").split(","))
    return {key.strip(): value.strip() for key, _, value in entries if key.strip()}


def table_of_two(text: str) -> dict[str, tuple[str, str]]:
    """A mapping of `written: singular | plural` entries, separated by commas; a single word is both."""
    entries = {key: value.partition("|") for key, value in table(text).items()}
    return {key: (one.strip(), (more or one).strip()) for key, (one, _, more) in entries.items()}
