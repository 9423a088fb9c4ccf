"""Dutch and German sentences that a person has read aloud, word for word."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from text import normalise

DUTCH = [
    ("Op 5 mei 2021 om 14:30 uur.", "Op vijf mei tweeduizendeenentwintig om veertien uur dertig."),
    (
        "In 1984 en 1900, van 1914-1918.",
        "In negentienhonderd vierentachtig en negentienhonderd, van negentienhonderd veertien tot "
        "negentienhonderd achttien.",
    ),
    ("€ 5,50 en €3 mln. en 1 euro", "vijf euro vijftig en drie miljoen euro en één euro"),
    ("3,14% van 1.234 stuks", "drie komma één vier procent van duizendtweehonderdvierendertig stuks"),
    ("de 1e, 2de en 19e eeuw", "de eerste, tweede en negentiende eeuw"),
    ("Om 1 uur en om 14.00 uur", "Om één uur en om veertien uur"),
    ("dhr. Jansen, d.w.z. nr. 5, enz.", "de heer Jansen, dat wil zeggen nummer vijf, enzovoort."),
    ("Appels, enz. Hij is 42.", "Appels, enzovoort. Hij is tweeënveertig."),
    (
        "80 kg, 20 °C, 100 km/u, 10 m²",
        "tachtig kilo, twintig graden Celsius, honderd kilometer per uur, tien vierkante meter",
    ),
    ("Willem III en Lodewijk XIV", "Willem de derde en Lodewijk de veertiende"),
    ("5-3-2021 en 2021-03-05", "vijf maart tweeduizendeenentwintig en vijf maart tweeduizendeenentwintig"),
    ("06-12345678", "nul zes, één twee drie vier vijf zes zeven acht"),
    ("info@voorbeeld.nl & www.nu.nl", "info apenstaartje voorbeeld punt N L en W W W punt nu punt N L"),
    ("1/2, 3/4, 10 x 5, -5, A4", "een half, drie kwart, tien bij vijf, min vijf, A vier"),
    ("Bijv. t/m vrijdag", "Bijvoorbeeld tot en met vrijdag"),
]
GERMAN = [
    ("Am 5. Mai 2021 um 14:30 Uhr.", "Am fünften Mai zweitausendeinundzwanzig um vierzehn Uhr dreißig."),
    ("Der 3. Oktober 1990", "Der dritte Oktober neunzehnhundertneunzig"),
    ("5.3.2021, am 5.3.2021", "fünfter März zweitausendeinundzwanzig, am fünften März zweitausendeinundzwanzig"),
    ("im 19. Jahrhundert, das 2. Kapitel", "im neunzehnten Jahrhundert, das zweite Kapitel"),
    ("Er ist 42. Sie auch.", "Er ist zweiundvierzig. Sie auch."),
    ("5,50 € und 3,5 Mio. Euro und 1 €", "fünf Euro fünfzig und drei Komma fünf Millionen Euro und ein Euro"),
    ("3,14 % von 1.234 Stück", "drei Komma eins vier Prozent von eintausendzweihundertvierunddreißig Stück"),
    ("Um 1 Uhr, um 14.00 Uhr", "Um ein Uhr, um vierzehn Uhr"),
    ("z. B. Hr. Müller, d.h. Nr. 5 usw.", "zum Beispiel Herr Müller, das heißt Nummer fünf und so weiter."),
    ("80 kg, 20 °C, 1 Std., 2 Std.", "achtzig Kilogramm, zwanzig Grad Celsius, eine Stunde, zwei Stunden"),
    ("Ludwig XIV. war; Wilhelm II", "Ludwig der Vierzehnte war; Wilhelm der Zweite"),
    (
        "1914–1918, im Jahr 1984",
        "neunzehnhundertvierzehn bis neunzehnhundertachtzehn, im Jahr neunzehnhundertvierundachtzig",
    ),
    ("Müller & Co, § 5, 5 + 5 = 10", "Müller und Co, Paragraf fünf, fünf plus fünf gleich zehn"),
    ("info@beispiel.de", "info ät beispiel Punkt D E"),
    ("1/2, 3/4, 10 x 5, -5", "ein halb, drei Viertel, zehn mal fünf, minus fünf"),
    ("Z.B. morgen", "Zum Beispiel morgen"),
    ("Am 24.12. in der Hauptstr. 5", "Am vierundzwanzigsten Dezember in der Hauptstraße fünf"),
    ("die 90er Jahre, 16:9, 2x", "die neunziger Jahre, sechzehn zu neun, zwei mal"),
]


def rows() -> Iterator[tuple[str, str, str]]:
    yield from (("nl", text, reading) for text, reading in DUTCH)
    yield from (("de", text, reading) for text, reading in GERMAN)


@pytest.mark.parametrize(("language", "text", "reading"), list(rows()))
def test_it_is_read_as_a_person_reads_it_and_reads_as_itself(language: str, text: str, reading: str) -> None:
    assert normalise(text, language) == reading
    assert normalise(reading, language) == reading


@pytest.mark.parametrize("language", ["nl", "de"])
def test_sentences_without_numbers_keep_their_words(language: str, multispeaker: Path) -> None:
    lines = (multispeaker / "metadata_nl_de.csv").read_text(encoding="utf-8").splitlines()
    texts = [line.split("|")[2] for line in lines]
    assert len(texts) > 50
    for text in texts:
        assert normalise(text, language) == text.replace("„", '"').replace("“", '"')


def test_a_language_without_rules_gets_clean_characters_and_keeps_its_digits() -> None:
    assert normalise("Ｈéllo\u00ad 5 % M. 😀 привет 你好", "fr") == "Héllo 5 % M. привет 你好"
