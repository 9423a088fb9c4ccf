"""Normalisation of Roman numerals in English: ordinals for rulers, cardinals for chapters and wars."""

import re

from text.english.hints import is_initial
from text.english.words import cardinal, ordinal, year
from text.roman import value_of
from text.rules import Rule, after, before
from text.tables import words

_RULERS = words(
    """
    George Charles Henry Edward William James Richard Louis Napoleon John Paul Pius Benedict Leo Gregory Clement
    Innocent Urban Alexander Nicholas Ivan Peter Catherine Elizabeth Mary Philip Ferdinand Francis Frederick Wilhelm
    Friedrich Otto Ramses Rameses Ptolemy Darius Xerxes Artaxerxes Cyrus Constantine Justinian Theodosius Leopold
    Albert Alfonso Alphonso Carlos Juan Felipe Christian Gustav Gustavus Oscar Olaf Haakon Harald Harold Robert David
    Alexius Basil Michael Manuel Andronicus Boniface Julius Sixtus Celestine Honorius Adrian Hadrian Eugene
    Martin Nicolas Stephen Sigismund Rudolf Rudolph Maximilian Joseph Franz Karl Ludwig Umberto Victor Emmanuel Pedro
    Selim Suleiman Mehmed Murad Mahmud Abdul Amenhotep Thutmose Seti Seleucus Antiochus Tiberius Rama Margrethe
    Margaret Anne Abbas Shah Pope King Queen Emperor Tsar Czar
    """
)
_PARTS = words(
    """
    Part Chapter Volume Book Act Scene Section Article Appendix Title Class Phase Type Stage Level Grade War Bowl
    Olympiad Apollo Gemini Saturn Schedule Table Plate Figure Exhibit Rule Canto Psalm Number Division Unit Group
    Episode Symphony Sonata Amendment Factor Region Zone Corps Army Mark Verse Lesson Letter Sections Parts Chapters
    Vatican Titan Polaris Windows Rocky Clause Form Page Pages Paragraph Round Game Day Week Year Age Series
    """
)
_PARTS |= {word.lower() for word in _PARTS}
# A single I is a numeral only where it cannot be the speaker: Charles I of England, but: I told Charles I was late.
_AFTER_FIRST = re.compile(
    r"'s\b|\s*(?:$|[.,;:)\"]|(?:of|in|who|on|at|by|from|the|died|became|ruled|reigned|ascended|abdicated)\b)"
)
_CROWNED = re.compile(r"\b(?:King|Queen|Pope|Emperor|Empress|Tsar|Czar|Kaiser|Prince) \w{1,20}\s$")
_ALSO_THINGS = words(
    """
    Day Week Year Age Game Letter Book Form Page Mark Number Rule Stage Level Round Series Group Unit Region Line Lesson
    """
)
_STANDS_ALONE = re.compile(r"\s*(?:$|[.,;:)])")
_NUMBER_NEXT = re.compile(r"\s(?:oh|zero|one|two|three|four|five|six|seven|eight|nine|ten|twelve|\w{2,6}(?:teen|ty))\b")
_LONELY = words(
    """
    II III VII VIII IX XII XIII XIV XV XVI XVII XVIII XIX XXI XXII XXIII XXIV XXV
    """
)
_PREVIOUS = re.compile(r"([A-Za-z]{1,20})('s)?\s$")


def _full_stop(match: re.Match[str]) -> str:
    """The full stop after a numeral, unless the sentence only ends at a later one (as in George III. was)."""
    return "." if match[2] and re.match(r"[\s\"')]*(?:$|[A-Z])", after(match)) else ""


def _read(match: re.Match[str]) -> str:
    numeral, value = match[1], value_of(match[1])
    if not value or (len(numeral) == 1 and (numeral in "LCDM" or _NUMBER_NEXT.match(after(match)))):
        return match[0]
    found = _PREVIOUS.search(before(match))
    previous = found[1] if found and not found[2] else ""
    if len(numeral) == 1 and match[2] and previous not in _PARTS and is_initial(match):
        return match[0]
    if re.match(r"\scentur", after(match)):
        return ordinal(value)
    if previous in _RULERS and (numeral != "I" or _AFTER_FIRST.match(after(match)) or _CROWNED.search(before(match))):
        return f"the {ordinal(value)}{_full_stop(match)}"
    if previous in _PARTS and (numeral != "I" or _is_first_part(match, previous)):
        return cardinal(value) + (match[2] or "")
    if len(numeral) > 4 and value > 1000:
        return year(value) + (match[2] or "")
    if previous[:1].isupper() and previous != "I" and set(numeral) <= set("IVX") and len(numeral) > 1:
        # Robert Lee III is a person, Final Fantasy VII is not; up to four they are likelier to be people.
        person = value in (3, 4) and not re.match(r"\s[A-Z]", after(match)) and not previous.isupper()
        return (f"the {ordinal(value)}{_full_stop(match)}") if person else cardinal(value) + (match[2] or "")
    alone = numeral in _LONELY or (len(numeral) > 1 and match[0] == match.string.strip())
    return cardinal(value) + (match[2] or "") if alone else match[0]


def _is_first_part(match: re.Match[str], noun: str) -> bool:
    """Whether I is a numeral: World War I, but: the Day I left."""
    return noun[0].isupper() and (noun not in _ALSO_THINGS or _STANDS_ALONE.match(after(match)) is not None)


def _listed(match: re.Match[str]) -> str:
    value = value_of(match[2].upper())
    return f"{match[1]}{cardinal(value)}{match[3]}" if value else match[0]


def _page_range(match: re.Match[str]) -> str:
    first, last = (value_of(numeral.upper()) for numeral in match.groups()[1:])
    return f"{match[1]}{cardinal(first)} to {cardinal(last)}" if 0 < first < last else match[0]


_NUMERAL = r"(?:[IVX]{1,5}|[ivx]{1,5})"
_NEXT = r"(?:,\s|,?\s(?:and|or|to|through)\s|[-–])"
_INTRAVENOUS = (
    "drip|fluids?|lines?|bags?|therapy|antibiotics?|access|infusions?|injections?|poles?|push|needles?|catheter"
)


def _list(match: re.Match[str]) -> str:
    """I, II and III; but not: I or V, where the numbers do not follow each other."""
    numerals = re.findall(r"[IVXivx]+(?![a-z])", re.sub(r"\b(?:and|or|to|through)\b", ",", match[0]))
    values = [value_of(numeral.upper()) for numeral in numerals]
    longest = max(map(len, numerals))
    if longest < 2 or values != list(range(values[0], values[0] + len(values))) or not values[0]:
        return match[0]
    return re.sub(r"\b[IVX]+\b|\b[ivx]+\b", lambda numeral: cardinal(value_of(numeral[0].upper())), match[0])


RULES = (
    Rule(
        r"\b((?:[Pp]ages|[Cc]hapters|[Ss]ections|[Vv]olumes|[Pp]arts|[Aa]rticles)\s)([ivxl]{1,8})[-–]([ivxl]{1,8})(?![\w'-])",
        _page_range,
    ),
    Rule(rf"(?<![\w.&'-])IV(?=\s(?:{_INTRAVENOUS})\b)|(?<=\b[Aa]n\s)IV\b", "I V"),
    Rule(rf"(?<![\w.&'-]){_NUMERAL}(?:{_NEXT}{_NUMERAL}){{1,12}}(?![\w'&-]|\.\w)", _list),
    Rule(
        rf"\b({'|'.join(sorted(_RULERS))})\s([ivx]{{2,6}})\b",
        lambda match: f"{match[1]} the {ordinal(value)}" if (value := value_of(match[2].upper())) else match[0],
    ),
    Rule(r"(?<![\w.&'-])([IVXLCDM]{1,15})\b(?![.][A-Za-z]|['&]\w*[A-Z]|-\w)(\.?)", _read),
    Rule(r"((?<!\w)\()([ivx]{1,6})(\))", _listed),
    Rule(r"\b([IVX]{2,7})th(?=\scentur)", r"\1"),
    Rule(r"(^)([ivx]{1,6})(\.(?=\s[\"']?[A-Z]))", _listed),
    Rule(
        r"\b([ivx]{1,7})(?=\scentur)",
        lambda match: ordinal(value) if (value := value_of(match[1].upper())) else match[0],
    ),
    Rule(r"\bWW(I{1,2})\b", lambda match: f"World War {cardinal(len(match[1]))}"),
    Rule(
        r"(\b(?:[Aa]ct|[Ss]cene|[Cc]hapter|[Pp]art|[Vv]olume|[Pp]ages?|[Ss]ection|[Aa]rticle|[Bb]ook|[Ff]igure|[Tt]able|[Aa]ppendix|[Pp]hase|[Ss]tage|[Cc]lause|[Pp]aragraph|[Ww]ar)\s)([ivxl]{2,8}|v)\b()",
        _listed,
    ),
)
