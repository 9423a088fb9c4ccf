"""Normalisation of e-mail addresses, web addresses and file names, in any language."""

import re
from collections.abc import Callable, Mapping

from text.rules import Rule
from text.tables import words

_DOMAINS = "com|org|net|edu|gov|info|biz|io|co|uk|de|nl|fr|eu|ai|app|dev|ca|au|ch|tv|mil"
_SPELLED = words(
    """
    www io uk us de nl eu ai ca au ch tv html htm php pdf http https url faq usa txt csv xml js ts py cpp md png jpg gif
    svg mp css exe sql yml ini dll wav rs c h sh
    """
)
_FILES = (
    "txt|pdf|docx?|xlsx?|pptx?|csv|tsv|xml|html?|css|json|yaml|yml|toml|ini|cfg|conf|log|md|rst|tex|py|js|ts|jsx|tsx|java"
    "|cpp|hpp|rs|rb|php|sh|bat|exe|dll|sql|png|jpe?g|gif|svg|webp|bmp|ico|wav|flac|ogg|opus|mp[34]|avi|mkv|mov|webm|zip"
    "|tar|gz|bz2|xz|7z|rar|iso|apk|onnx|pt|ckpt|safetensors|bak|tmp|lock"
)
_PART = re.compile(r"[A-Za-z]{1,99}|\d{1,99}|[^\W\d_]|[^\w\s]|_")
_REST = r"[^\s\"<>()\[\],;!\ue000]"  # of an address; U+E000 stands for inline phonemes
_PATTERNS = (
    rf"(?i)(?<![\w/])(?:https?|ftp)://{_REST}+",
    r"(?<![\w.+-])(?:mailto:)?[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}",
    rf"(?i)(?<![\w.@/-])www\.{_REST}+",
    rf"(?<![\w.@/-])(?:[a-zA-Z0-9-]{{1,63}}\.){{1,4}}(?:{_DOMAINS})(?![\w-]|\.\w)(?:/{_REST}*)?",
    rf"(?<![\w.@/-])(?:[A-Z0-9-]{{2,63}}\.){{1,4}}(?:{_DOMAINS.upper()})(?![\w-]|\.\w)(?:/{_REST}*)?",
    # the name of a file
    rf"(?ia)(?<![\w.@/-])(?:[\w-]{{1,64}}(?:\.[\w-]{{1,32}}){{0,4}})?\.(?:{_FILES})(?![\w-]|\.\w)"
    r"|(?<![\w.@/-])[a-z_][\w-]{1,64}\.[ch](?![\w'-]|\.\w)|(?<![\w.@/-])\.NET\b",
)
_SCHEME = re.compile(r"^(?:[a-zA-Z]{2,6}://|mailto:)")
IN_TEXT = re.compile(
    r"@|://|www\.|\.[A-Za-z]{2}|\.[ch]\b", re.IGNORECASE
)  # a quick test: without a match no rule applies


def address_rules(signs: Mapping[str, str], digits: Callable[[str], str]) -> tuple[Rule, ...]:
    """Rules that write addresses as words: signs by their names, digits one by one.

    Args:
        signs: names of . @ / - _ and others; signs without a name are left out.
        digits: writes digits as words, one by one.
    """

    def spell(address: str) -> str:
        words: list[str] = []
        for part in _PART.findall(address):
            if part.isdecimal():
                words.append(digits(part))
            elif part.lower() in _SPELLED:
                words += part.upper()
            else:
                words.append(part if part.isalpha() else signs.get(part, ""))
        return " ".join(word for word in words if word)

    def read(match: re.Match[str]) -> str:
        whole = _SCHEME.sub("", match[0])
        address = whole.rstrip(".,;:!?)'\"/")
        return spell(address) + whole[len(address) :].replace("/", "")

    return tuple(Rule(pattern, read) for pattern in _PATTERNS)


def address_spans(text: str) -> list[tuple[int, int]]:
    """Start and end of each address and file name."""
    if not IN_TEXT.search(text):
        return []
    return [match.span() for pattern in _PATTERNS for match in re.finditer(pattern, text)]
