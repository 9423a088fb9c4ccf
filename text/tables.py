"""Tables of words, written as text so that they can be read at a glance."""


def words(text: str) -> frozenset[str]:
    """Words between white space."""
    return frozenset(text.split())


def table(text: str) -> dict[str, str]:
    """`written: read` between commas."""
    entries = (entry.partition(": ") for entry in text.replace("\n", " ").split(","))
    return {key.strip(): value.strip() for key, _, value in entries if key.strip()}


def table_of_two(text: str) -> dict[str, tuple[str, str]]:
    """`written: singular | plural` between commas; one word stands for both."""
    entries = {key: value.partition("|") for key, value in table(text).items()}
    return {key: (one.strip(), (more or one).strip()) for key, (one, _, more) in entries.items()}
