"""More sentences that a person has read: units said twice, digit groups, numerals, capitals, codes, telephones."""

import pytest

from data.text import Reader

ENGLISH = [
    ("It cost $12 billion dollars.", "It cost twelve billion dollars."),
    ("$5 dollars and €3 euros", "five dollars and three euros"),
    ("£2 pounds", "two pounds"),
    ("$1 dollar", "one dollar"),
    ("5 USD dollars", "five dollars"),
    ("$5 USD", "five dollars"),
    ("50% percent", "fifty percent"),
    ("50 % percent of us", "fifty percent of us"),
    ("10 km kilometers", "ten kilometers"),
    ("10 kg kilograms", "ten kilograms"),
    ("3 ft feet", "three feet"),
    ("20 °C degrees Celsius", "twenty degrees Celsius"),
    ("20 °C Celsius", "twenty degrees Celsius"),
    ("1 000 000 people", "one million people"),
    ("12 345 men", "twelve thousand three hundred forty-five men"),
    ("1'234'444 people", "one million two hundred thirty-four thousand four hundred forty-four people"),
    ("10'000", "ten thousand"),
    ("1.234.567 people", "one million two hundred thirty-four thousand five hundred sixty-seven people"),
    (
        "1.234.567,89",
        "one million two hundred thirty-four thousand five hundred sixty-seven point eight nine",
    ),
    ("1.234,5", "one thousand two hundred thirty-four point five"),
    ("$1 000 000", "one million dollars"),
    ("section iv", "section four"),
    ("Section ix and article vi", "Section nine and article six"),
    ("chapter v", "chapter five"),
    ("World War ii", "World War two"),
    ("I, II, III, IV", "one, two, three, four"),
    ("parts I, II and III", "parts one, two and three"),
    ("ii and iii", "two and three"),
    ("I-IV", "I-IV"),
    ("Henry viii and Louis xiv", "Henry the eighth and Louis the fourteenth"),
    ("an IV drip", "an I V drip"),
    ("IV fluids and the IV line", "I V fluids and the I V line"),
    ("Part IV", "Part four"),
    ("Beverly Hills, CA 90210.", "Beverly Hills, California nine oh two one oh."),
    ("CA 90210", "CA nine oh two one oh"),
    ("in New York 10001", "in New York one oh oh oh one"),
    ("Boston MA 02134-1000", "Boston MA oh two one three four one oh oh oh"),
    ("about 90210 men", "about ninety thousand two hundred ten men"),
    ("+33 1 23 45 67 89", "plus three three, one, two three, four five, six seven, eight nine"),
    ("01 23 45 67 89", "oh one, two three, four five, six seven, eight nine"),
    ("01.23.45.67.89", "oh one, two three, four five, six seven, eight nine"),
    ("030/1234567", "oh three oh, one two three four five six seven"),
    ("(030) 1234567", "oh three oh, one two three four five six seven"),
    ("06-12345678", "oh six, one two three four five six seven eight"),
    ("0171 123456", "oh one seven one, one two three four five six"),
    ("00 49 30 123456", "oh oh, four nine, three oh, one two three four five six"),
    ("+31 6 12345678", "plus three one, six, one two three four five six seven eight"),
]
GERMAN = [
    ("1 000 000 Leute", "eine Million Leute"),
    ("12 345 Leute", "zwölftausenddreihundertfünfundvierzig Leute"),
    ("1'234'444 Leute", "eine Million zweihundertvierunddreißigtausendvierhundertvierundvierzig Leute"),
    ("1.234.567,8", "eine Million zweihundertvierunddreißigtausendfünfhundertsiebenundsechzig Komma acht"),
    ("50 % Prozent", "fünfzig Prozent"),
    ("10 km Kilometer", "zehn Kilometer"),
    ("5 € Euro", "fünf Euro"),
    ("12 Mrd. Euro Euro", "zwölf Milliarden Euro"),
    ("+49 30 1234567", "plus vier neun, drei null, eins zwei drei vier fünf sechs sieben"),
    ("030 1234567", "null drei null, eins zwei drei vier fünf sechs sieben"),
]
DUTCH = [
    ("1 000 000 mensen", "een miljoen mensen"),
    ("50% procent", "vijftig procent"),
    ("10 km kilometer", "tien kilometer"),
    ("€ 5 euro", "vijf euro"),
    ("06-12345678", "nul zes, één twee drie vier vijf zes zeven acht"),
]
TABLE = [
    (language, text, reading)
    for language, rows in (("en-us", ENGLISH), ("de", GERMAN), ("nl", DUTCH))
    for text, reading in rows
]


@pytest.mark.parametrize(("language", "text", "reading"), TABLE)
def test_it_is_read_as_a_person_reads_it_and_reads_as_itself(language: str, text: str, reading: str) -> None:
    reader = Reader(language)
    assert reader.read(text).text == reading
    assert reader.read(reading).text == reading


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("LET US GO. IT IS ON.", "LET us go. it is on."),
        ("WE ARE IN IT TO WIN!", "we ARE in it to WIN!"),
        ("The IT department of the US Army", "The IT department of the US Army"),
        ("He is IN.", "He is IN."),
        ("IT", "IT"),
        ("US Army", "US Army"),
    ],
)
def test_two_letter_words_are_words_in_sentences_of_capitals(text: str, spoken: str) -> None:
    assert Reader("en-us").read(text).spoken == spoken


@pytest.mark.parametrize("text", ["dollars dollars", "I or V", "a iv b", "I think so, and I will", "no no"])
def test_what_only_looks_like_these_stays(text: str) -> None:
    assert Reader("en-us").read(text).text == text


def test_an_address_of_the_internet_is_no_number() -> None:
    assert "dot" in Reader("en-us").read("192.168.100.200").text
