"""A subset of the Speech Synthesis Markup Language (W3C, SSML 1.1).

    <speak>      the root
    <p> <s>      a paragraph, a sentence: processed by itself
    <break>      silence: time="500ms" or "1.5s", else strength="none", x-weak, weak, medium (the default), strong or
                 x-strong
    <prosody>    rate="x-slow", slow, medium, default, fast or x-fast, or "120%", "+20%", "-20%", "1.2"; nested rates
                 multiply. Pitch, range, contour, volume and duration are left out with a warning.
    <phoneme>    alphabet="ipa" (the default and the only one) ph="...": replaces the content
    <say-as>     interpret-as="characters" (or spell-out, verbatim), "digits", "telephone", "cardinal" (or number),
                 "ordinal", "date" with a format such as "mdy" or "yyyymmdd", "time", and others that need no help. In
                 languages without rules (all but English, Dutch and German) characters, digits and telephone are
                 spelled; whatever cannot be interpreted is read as plain text, with a warning.
    <sub>        alias="...": replaces the content

Other elements of SSML (voice, emphasis, lang, audio, ...) and of other namespaces are ignored with a warning; their
content is spoken. `mark` and `metadata` are skipped. Elements and attributes that SSML does not have are refused.
`[[...]]` in the text holds phonemes.

White space is one space. A word ends at a break, even one of no duration. A mark or metadata separates two letters or
digits around it, and nothing else. Document types are refused, so there are no entities but the five of XML.
"""

import difflib
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from xml.parsers import expat

from configs import InputError
from text.characters import split_blocks
from text.say_as import say_as

NAMESPACE = "http://www.w3.org/2001/10/synthesis"
LONGEST_BREAK_SECONDS = 60
SLOWEST, FASTEST = 0.05, 20.0
STRENGTHS = {"none": 0.0, "x-weak": 0.25, "weak": 0.5, "medium": 0.75, "strong": 1.0, "x-strong": 1.25}  # seconds
RATES = {"x-slow": 0.5, "slow": 0.7, "medium": 1.0, "default": 1.0, "fast": 1.4, "x-fast": 2.0}
# The elements that do something, and their attributes; any may also have id, and attributes of other namespaces.
_ATTRIBUTES = {
    "speak": frozenset(("version", "onlangfailure", "startmark", "endmark")),
    "p": frozenset(("onlangfailure",)),
    "s": frozenset(("onlangfailure",)),
    "break": frozenset(("time", "strength")),
    "prosody": frozenset(("rate", "pitch", "range", "contour", "volume", "duration")),
    "phoneme": frozenset(("alphabet", "ph", "type")),
    "say-as": frozenset(("interpret-as", "format", "detail")),
    "sub": frozenset(("alias",)),
}
_REPLACED = ("phoneme", "say-as", "sub")  # elements whose content is replaced
_SPOKEN_THROUGH = frozenset(("audio", "emphasis", "lang", "lexicon", "lookup", "token", "voice", "w"))
_SILENT = frozenset(("desc", "mark", "meta", "metadata"))  # with all that is in them
_SENTENCE_END = re.compile(r"[.!?][\"')]*\s*$")
_TIME = re.compile(r"\+?(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})(ms|s)")
_RATE = re.compile(r"([+-]?)(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})(%?)")
_MARKS = re.compile(r"[,;:.!?)\"'”’]+(?=\s|$)")  # that close what goes before
# What belongs to the word that follows, and to the word before, whatever break is between. Some quotes are both: they
# open after a space, a dash or another that opens, and close before what is no word.
_BRACKETS = "(\\[{¿¡“‘„‚«‹「『（【《〈"
_OPENED = re.compile(rf"""(?:[{_BRACKETS}]|(?:^|[\s{_BRACKETS}—–-])["'”’»›]+)$""")
_APPENDED = re.compile(
    r"""[-‐‑’;:!?…)\]}。，、！？：；）」』】》〉।؟،؛]|'(?![^\W\d_]{3})|[.,](?!\d)|[”»›]+(?![^\W_])"""
    r"""|["“‘«‹]+(?=[\s.,;:!?…)\]}]|$)"""
)
_UNSPOKEN = " .,;:!?'\"()-–—…¿¡«»“”‘’"


@dataclass(frozen=True)
class TextPiece:
    """One or several sentences; between adjacent pieces comes the pause between sentences."""

    text: str  # on one line; `[[...]]` holds phonemes
    speed: float  # factor on the speaking rate


@dataclass(frozen=True)
class Break:
    """Silence that replaces the pause between sentences; never two in a row, possibly first or last.

    A break of 0 seconds is where a sentence continues at another speed.
    """

    seconds: float


def parse_ssml(text: str, *, language: str = "en-us") -> list[TextPiece | Break]:
    """Parse an SSML document.

    Args:
        text: the document, from `<speak>` to `</speak>`.
        language: an espeak-ng voice, for say-as.

    Returns:
        Pieces of text and breaks, in order; empty if there is no text.

    Raises:
        InputError: it is not well formed, has a document type, an element or attribute that SSML does not have, or a
            invalid value; the message names line and column.
    """
    if "<speak" not in text:
        raise InputError("the SSML has no <speak>: put what shall be said between <speak> and </speak>")
    handlers = _Handlers(language)
    handlers.read(text)
    for warning in handlers.warnings:
        warnings.warn(warning, stacklevel=2)
    return handlers.pieces


@dataclass(frozen=True)
class _Element:
    """An open element."""

    name: str
    attributes: Mapping[str, str]
    speed: float  # of what is inside


class _Handlers:
    """Handlers of expat; `pieces` is the result so far."""

    def __init__(self, language: str) -> None:
        self.pieces: list[TextPiece | Break] = []
        self.warnings: dict[str, None] = {}  # each once, in the order they were met
        self._language = language
        self._open: list[_Element] = []
        self._silent = 0  # how many elements are open in a silent one
        self._inside: list[str] = []  # the text of an element that is replaced
        self._text: list[str] = []  # of the TextPiece to come
        self._last_block = 0  # where in it the text after the last phonemes begins
        self._parted: Callable[[str, str], bool] | None = None  # what stood since the last text: whether it ends a word
        self._goes_on = False  # whether it belongs to the sentence of the TextPiece before
        self._parser = expat.ParserCreate("utf-8", " ")
        self._parser.buffer_text = True  # text comes whole, up to the next tag
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def read(self, text: str) -> None:
        """Parse a whole document."""
        try:
            self._parser.Parse(text.removeprefix("\ufeff").encode("utf-8", "surrogatepass"), True)
        except expat.ExpatError as error:
            raise InputError(
                f"the SSML is not well formed, line {error.lineno}, column {error.offset + 1}:"
                f" {expat.ErrorString(error.code)}; close every tag, and write & as &amp; and < as &lt;"
            ) from error

    # ------------------------------------------------------------------------------------------- what expat meets

    def _refuse_doctype(self, *_: object) -> None:
        raise self._mistake("a document type is refused, because its entities could be anything: leave <!DOCTYPE> out")

    def _characters(self, text: str) -> None:
        if not self._silent and self._open[-1].name in _REPLACED:
            self._inside.append(text)
        elif not self._silent:
            self._append(text)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition(" ")
        known = namespace in ("", NAMESPACE)
        if self._silent or (known and name in _SILENT and self._open):
            self._silent += 1
            if self._open[-1].name not in _REPLACED:  # they are whole
                self._parted = self._parted or _both_spoken
            return
        self._check_place(name if known else tag)
        speed = self._open[-1].speed if self._open else 1.0
        if not known or name in _SPOKEN_THROUGH:
            self._warn(f"<{name}> is not supported: what is inside is spoken as if it were not there")
            self._open.append(_Element("", {}, speed))
            return
        self._check_names(name, attributes)
        if name == "prosody":
            speed = self._prosody(attributes, speed)
        elif name in ("p", "s"):
            self._utter()
        elif name == "break":
            self._pause(self._seconds(attributes))
        if name == "phoneme":
            self._check_phonemes(attributes)
        elif name == "sub" and "alias" not in attributes:
            raise self._mistake('<sub> has no alias: write <sub alias="what shall be said">')
        self._open.append(_Element(name, attributes, speed))

    def _end(self, _: str) -> None:
        if self._silent:
            self._silent -= 1
            return
        element = self._open[-1]
        inside = "".join(self._inside)
        self._inside.clear()
        if element.name in ("speak", "p", "s"):
            self._utter()
        elif element.name == "prosody" and element.speed != self._open[-2].speed:
            self._utter(goes_on=True)
        elif element.name == "phoneme":
            self._append_phonemes(element.attributes["ph"].strip())
        elif element.name == "sub":
            self._append(element.attributes["alias"])
        elif element.name == "say-as":
            self._append(self._interpreted(inside, element.attributes))
        self._open.pop()

    # ------------------------------------------------------------------------------------------------ pieces of text

    def _utter(self, *, goes_on: bool = False) -> None:
        """End the TextPiece; at a change of speed its sentence may go on."""
        written, speed = "".join(self._text), self._open[-1].speed
        self._text.clear()
        self._last_block = 0
        last = self.pieces[-1] if self._goes_on else None
        mark = _MARKS.match(written)
        if mark and isinstance(last, TextPiece):
            if last.text[-1] not in _UNSPOKEN:
                self.pieces[-1] = replace(last, text=last.text + mark[0])
            self._goes_on = not _SENTENCE_END.search(mark[0])
            written = written[mark.end() :]
        text = " ".join(written.split())
        if text.strip(_UNSPOKEN):
            if self._goes_on:
                self.pieces.append(Break(0.0))
            self.pieces.append(TextPiece(text, speed))
            self._goes_on = not _SENTENCE_END.search(text)
        self._goes_on = self._goes_on and goes_on

    def _append(self, text: str) -> None:
        if not text:
            return
        before = self._behind()
        if self._parted and before and self._parted(before, text):
            text = f" {text}"
        self._parted = None
        self._text.append(text)

    def _behind(self) -> str:
        """The end of what has been written."""
        return "".join(part[-40:] for part in self._text[-3:])

    def _pause(self, seconds: float) -> None:
        written = next(filter(str.strip, reversed(self._text)), "")
        if not seconds and written and not _SENTENCE_END.search(written):
            self._parted = _two_words
            return  # no silence within a sentence: it is spoken in one
        self._utter()
        last = self.pieces[-1] if self.pieces else None
        if isinstance(last, Break):
            self.pieces[-1] = Break(last.seconds + seconds)
        else:
            self.pieces.append(Break(seconds))

    def _append_phonemes(self, phonemes: str) -> None:
        """Write a block; brackets that stand open before it must not close with it."""
        before = split_blocks("".join(self._text[self._last_block :]))
        if "[[" in before[-1] or before[-1].endswith("["):
            before[-1] = before[-1].replace("[", "(")
        self._text[self._last_block :] = ["".join(before)]
        self._append(f"[[{phonemes}]]")
        self._last_block = len(self._text)

    def _interpreted(self, inside: str, attributes: Mapping[str, str]) -> str:
        kind = attributes.get("interpret-as", "")
        words = say_as(
            inside,
            kind,
            language=self._language,
            date_format=attributes.get("format", ""),
            behind=self._behind() + (" " if self._parted else ""),
        )
        if words is None:
            form = f" in the format {attributes['format']!r}" if attributes.get("format") else ""
            self._warn(
                f"<say-as>: {inside.strip()[:40]!r} cannot be read as {kind!r}{form} in the language"
                f" {self._language!r}, and is read as plain text"
            )
        return inside if words is None else words

    # ------------------------------------------------------------------------------------- what the attributes say

    def _prosody(self, attributes: Mapping[str, str], speed: float) -> float:
        for name in sorted(attributes.keys() & _ATTRIBUTES["prosody"] - {"rate"}):
            self._warn(f"<prosody {name}> is not supported: only the rate changes")
        rate = self._rate(attributes.get("rate", "default").strip())
        if rate == 1:
            return speed
        self._utter(goes_on=True)
        if not SLOWEST <= speed * rate <= FASTEST:
            raise self._mistake(
                f'<prosody rate="{attributes["rate"]}"> makes a speed of {speed * rate:g}, together with the elements'
                f" around it: stay between {SLOWEST:g} and {FASTEST:g}"
            )
        return speed * rate

    def _rate(self, rate: str) -> float:
        if rate in RATES:
            return RATES[rate]
        number = _RATE.fullmatch(rate)
        if number is None or (number[1] and not number[3]):
            raise self._mistake(
                f'<prosody rate="{rate}">: give {", ".join(RATES)}, a number such as 1.2, or a percentage such as 120%,'
                " +20% or -20%"
            )
        value = float(number[2]) / (100 if number[3] else 1)
        return 1 + value if number[1] == "+" else 1 - value if number[1] == "-" else value

    def _seconds(self, attributes: Mapping[str, str]) -> float:
        if "time" not in attributes:
            strength = attributes.get("strength", "medium").strip()
            if strength not in STRENGTHS:
                raise self._mistake(f'<break strength="{strength}">: give {", ".join(STRENGTHS)}')
            return STRENGTHS[strength]
        time = _TIME.fullmatch(attributes["time"].strip())
        seconds = float(time[1]) / (1000 if time[2] == "ms" else 1) if time else -1
        if not 0 <= seconds <= LONGEST_BREAK_SECONDS:
            raise self._mistake(
                f'<break time="{attributes["time"]}">: give a time such as 500ms or 1.5s, of at most'
                f" {LONGEST_BREAK_SECONDS} s"
            )
        return seconds

    def _check_phonemes(self, attributes: Mapping[str, str]) -> None:
        alphabet, phonemes = attributes.get("alphabet", "ipa"), attributes.get("ph", "").strip()
        if alphabet != "ipa":
            raise self._mistake(f'<phoneme alphabet="{alphabet}">: only "ipa" is known: write the phonemes in it')
        if not phonemes or "[" in phonemes or "]" in phonemes:
            raise self._mistake(f'<phoneme ph="{phonemes}">: give the phonemes in ph, without square brackets')

    def _check_place(self, name: str) -> None:
        if not self._open and name != "speak":
            raise self._mistake(f"the document begins with <{name}>: put everything between <speak> and </speak>")
        if self._open and name == "speak":
            raise self._mistake("<speak> stands within another element: there is one, around everything")
        parent = self._open[-1].name if self._open else ""
        if parent in (*_REPLACED, "break"):
            raise self._mistake(f"<{name.rpartition(' ')[2]}> stands within <{parent}>, where there can be no element")

    def _check_names(self, name: str, attributes: Mapping[str, str]) -> None:
        if name not in _ATTRIBUTES:
            raise self._mistake(
                f"<{name}> is not known{_nearest(name, _ATTRIBUTES)}; there are {', '.join(_ATTRIBUTES)}"
            )
        allowed = {*_ATTRIBUTES[name], "id"}
        for attribute in attributes:
            if attribute not in allowed and " " not in attribute:  # a space follows the namespace
                known = ", ".join(sorted(allowed))
                raise self._mistake(
                    f"<{name}> has no attribute {attribute!r}{_nearest(attribute, allowed)}; it has {known}"
                )

    def _mistake(self, sentence: str) -> InputError:
        line, column = self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1
        return InputError(f"the SSML, line {line}, column {column}: {sentence}")

    def _warn(self, sentence: str) -> None:
        self.warnings[sentence] = None


def _both_spoken(before: str, after: str) -> bool:
    """Whether a letter, a digit or phonemes stand on both sides, or a sentence ends and another begins."""
    if before[-1] in ".!?…":
        return after[0].isupper()
    ends = before.endswith("]]") or unicodedata.category(before[-1])[0] in "LNM"  # M: vowel signs, accents
    return ends and (after.startswith("[[") or after[0].isalnum())


def _two_words(before: str, after: str) -> bool:
    """Whether one ends and another begins: not within quotes, brackets, amounts, hyphens and apostrophes."""
    amount = unicodedata.category(before[-1]) == "Sc" and after[0].isdecimal()
    return not (amount or _OPENED.search(before) or _APPENDED.match(after))


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name.lower(), known, n=1)
    return f", did you mean {near[0]}?" if near else ""
