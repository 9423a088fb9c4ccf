"""More sentences that a person has read: units said twice, digit groups, numerals, capitals, codes, telephones."""

import pytest

from text import Reader

ENGLISH = [
    ("It costs 10 000, or 2 500.", "It costs ten thousand, or two thousand five hundred."),
    ("1,00,000 people and ₹5,00,000", "one hundred thousand people and five hundred thousand rupees"),
    ("12,34,567", "one million two hundred thirty-four thousand five hundred sixty-seven"),
    ("£5 GBP, $5 CAD and £5 million GBP", "five pounds, five Canadian dollars and five million pounds"),
    ("pp. iv-xii, chapters ii–v", "pages four to twelve, chapters two to five"),
    ("$5 US dollars and $3 bucks", "five dollars and three dollars"),
    ("50% per cent of people, 50 percent %", "fifty percent of people, fifty percent"),
    ("10 km kilometres at 70 mph miles per hour", "ten kilometers at seventy miles per hour"),
    ("20°C degrees", "twenty degrees Celsius"),
    ("3,5 km for €3,50", "three point five kilometers for three euros and fifty cents"),
    ("vol. ii, ch. xi", "volume two, chapter eleven"),
    ("iv. Results", "four. Results"),
    ("the xviii century and WWII", "the eighteenth century and World War two"),
    ("zip code 90210", "zip code nine oh two one oh"),
    ("5%-10%, 20°C–25°C", "five percent to ten percent, twenty degrees Celsius to twenty-five degrees Celsius"),
    ("+150 points, +2000", "plus one hundred fifty points, plus two thousand"),
    ("v1.2.3-beta", "version one point two point three-beta"),
    (
        "p<0.05, x <= y, a != b, a == b",
        "p is less than zero point zero five, x is less than or equal to y, a does not equal b, a equals b",
    ),
    ("a<b and 5 > 3 && n>30", "a is less than b and five is greater than three and n is greater than thirty"),
    ("see <https://x.org> now", "see x dot org now"),
    ("E = mc^2 and 2^10", "E equals mc squared and two to the power of ten"),
    ("e.g.this, the U.S.and, at 10:30a.m.on", "e.g. this, the U.S. and, at ten thirty a.m. on"),
    ("the .NET framework, a .txt file, lib.c", "the dot NET framework, a dot T X T file, lib dot C"),
    ("VISIT EXAMPLE.COM NOW", "VISIT EXAMPLE dot COM NOW"),
    ("Nice :-) work <3", "Nice work"),
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
    (
        "-5 °C sind kalt, es sind -3,5 °C",
        "minus fünf Grad Celsius sind kalt, es sind minus drei Komma fünf Grad Celsius",
    ),
    ("5 kg Kilo, 20 °C Grad, 5 Euro €", "fünf Kilogramm, zwanzig Grad Celsius, fünf Euro"),
    ("10-20 km, 5-10 €, 5 %–10 %", "zehn bis zwanzig Kilometer, fünf bis zehn Euro, fünf Prozent bis zehn Prozent"),
    ("9:00–17:00 Uhr, 10–12 Uhr", "neun Uhr bis siebzehn Uhr, zehn bis zwölf Uhr"),
    ("Version 1.2.3", "Version eins Punkt zwei Punkt drei"),
    ("Kapitel IV, Ludwig XIV", "Kapitel vier, Ludwig der Vierzehnte"),
    ("z.B.heute, a < b, x <= y", "zum Beispiel heute, a kleiner als b, x kleiner oder gleich y"),
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
    ("-5 °C is koud", "min vijf graden Celsius is koud"),
    ("10-20 km voor € 5-10", "tien tot twintig kilometer voor vijf tot tien euro"),
    ("hoofdstuk IV", "hoofdstuk vier"),
    ("d.w.z.dit", "dat wil zeggen dit"),
    ("1.234,50 euro", "duizendtweehonderdvierendertig euro vijftig"),
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


@pytest.mark.parametrize("unit", ["Ⅷkm0x", "a1", "1a_", "+1", "001", "1-", "9é", "<a", "a.b.", "$1,", "10 km-", "I, "])
def test_the_time_to_read_a_repeated_unit_does_not_explode(unit: str) -> None:
    for language in ("en-us", "de", "nl"):
        assert Reader(language).read(unit * 100 + "é_").text  # what tries every division of a run never ends
