"""Sentences that a person has read aloud, word for word: what the rules of English must give."""

import pytest

from text import Reader, normalise

NUMBERS = [
    (
        "There were 199 debtors and 6439 others.",
        "There were one hundred ninety-nine debtors and six thousand four hundred thirty-nine others.",
    ),
    (
        "1,234,567.89 and 0.05 and .5",
        "one million two hundred thirty-four thousand five hundred sixty-seven point eight nine and zero "
        "point zero five and point five",
    ),
    ("Agent 007, at -5 or +5.", "Agent zero zero seven, at minus five or plus five."),
    (
        "the 1st, 2nd, 3rd, 12th, 21st and 102nd",
        "the first, second, third, twelfth, twenty-first and one hundred second",
    ),
    (
        "1/2, 3/4, 2½ and ½ cup, 5/16 of an inch",
        "one half, three quarters, two and a half and one half cup, five sixteenths of an inch",
    ),
    ("10-15 people, pp. 5-7", "ten to fifteen people, pages five to seven"),
    ("5 + 5 = 10; 3 × 5; 4x4; 2x", "five plus five equals ten; three times five; four by four; two times"),
    ("16:9, a score of 3-2, 20/20, 24/7", "sixteen to nine, a score of three to two, twenty twenty, twenty-four seven"),
    ("50%, 5 %, 20% off", "fifty percent, five percent, twenty percent off"),
    ("x² + y³, 10⁶, 10^12", "x squared plus y cubed, ten to the power of six, ten to the power of twelve"),
    ("５ and ٣ and 𝟞", "five and three and six"),
]
DATES = [
    (
        "In 1803, 1900, 2000, 2005 and 2024.",
        "In eighteen oh three, nineteen hundred, two thousand, two thousand five and twenty twenty-four.",
    ),
    (
        "On November 22, 1963, at 12:30 p.m., he left.",
        "On November twenty-two, nineteen sixty-three, at twelve thirty p.m., he left.",
    ),
    ("on the 14th June, 1800", "on the fourteenth June, eighteen hundred"),
    ("on 5 May 2021 and the 6 June", "on the fifth of May, twenty twenty-one and the sixth of June"),
    ("Sept. 11, 2001, Jan. 2020, Oct. 5", "September eleven, two thousand one, January twenty twenty, October five"),
    (
        "3/14/2021 and 2021-03-14 and 31/12/1999",
        "March fourteen, twenty twenty-one and March fourteen, twenty twenty-one and December thirty-one, "
        "nineteen ninety-nine",
    ),
    ("the 1960s, the '60s, the 90s and '63", "the nineteen sixties, the sixties, the nineties and sixty-three"),
    (
        "1914–1918, 1850-51, mid-1960s, pre-1914",
        "nineteen fourteen to nineteen eighteen, eighteen fifty to fifty-one, mid-nineteen sixties, "
        "pre-nineteen fourteen",
    ),
    ("the 1780 riots and 1250 prisoners", "the seventeen eighty riots and one thousand two hundred fifty prisoners"),
    ("in 1066 and the year 1000", "in ten sixty-six and the year one thousand"),
    (
        "at 10:00, 10:05, 14:30, 5pm, 9 a.m. and 12:00 noon",
        "at ten o'clock, ten oh five, fourteen thirty, five p.m., nine a.m. and twelve noon",
    ),
    ("from 12:30-1:30 p.m. He left at 5 P.M.", "from twelve thirty to one thirty p.m. He left at five p.m."),
]
QUANTITIES = [
    (
        "£30, £8 per £100 and £10,500",
        "thirty pounds, eight pounds per one hundred pounds and ten thousand five hundred pounds",
    ),
    (
        "$21.45, $0.50, $1, $1.00 and 5¢",
        "twenty-one dollars and forty-five cents, fifty cents, one dollar, one dollar and five cents",
    ),
    (
        "$1.2 billion, £5m, €3.50, ¥500 and 5 USD",
        "one point two billion dollars, five million pounds, three euros and fifty cents, five hundred yen "
        "and five dollars",
    ),
    ("a $5 bill, a $10 million deal, $5-10", "a five dollar bill, a ten million dollar deal, five to ten dollars"),
    ("£3 4s. 6d. and 6d. a day", "three pounds, four shillings, six pence and six pence a day"),
    (
        "5 kg, 1 lb, 3 lbs. of meat, 16 oz, 5 cwt.",
        "five kilograms, one pound, three pounds of meat, sixteen ounces, five hundredweight.",
    ),
    (
        "100 km/h, 10 m², 5°C, 41 °F, 1°",
        "one hundred kilometers per hour, ten square meters, five degrees Celsius, forty-one degrees "
        "Fahrenheit, one degree",
    ),
    (
        "5'10\" tall, 6 ft. 2 in. tall, 20 in the morning",
        "five feet ten inches tall, six feet two inches tall, twenty in the morning",
    ),
    (
        "a 6.5-mm rifle, a 10-foot pole, 19-year-old",
        "a six point five millimeter rifle, a ten-foot pole, nineteen-year-old",
    ),
]
NAMES = [
    ("Mr. Smith met Dr. J. J. Humes and Mrs. Neild.", "Mr. Smith met Dr. J. J. Humes and Mrs. Neild."),
    (
        "Capt. Fritz, Lt. J. C. Day, Maj. Gen. Edwin A. Walker",
        "Captain Fritz, Lieutenant J. C. Day, Major General Edwin A. Walker",
    ),
    (
        "the Rev. Mr. Ford and the Right Hon. James Moncrieff",
        "the Reverend Mr. Ford and the Right Honorable James Moncrieff",
    ),
    ("Thos. Brown, Wm. Jones, Geo. IV. cap. 31", "Thomas Brown, William Jones, George the fourth cap. thirty-one"),
    ("St. Paul's, St. John St., Baker St.", "St. Paul's, St. John Street, Baker Street."),
    ("Mulholland Dr., 5 Oak Dr. Then Dr. No", "Mulholland Drive, five Oak Drive. Then Dr. No"),
    (
        "Martin Luther King Jr. said so to Robert Downey Jr.",
        "Martin Luther King Junior said so to Robert Downey Junior.",
    ),
    ("Smith & Co. and Brown & Co. The end.", "Smith and Co. and Brown and Co. The end."),
    ("No. 2, Nos. 2 and 3. No. I said no.", "Number two, Numbers two and three. No. I said no."),
    (
        "vol. 2, ch. 3, fig. 4, p. 12, Ex. 1, Sec. 5",
        "volume two, chapter three, figure four, page twelve, Exhibit one, Section five",
    ),
    (
        "c. 1850; the 14 George III. c. 59 (1774)",
        "circa eighteen fifty; the fourteen George the third c. fifty-nine (seventeen seventy-four)",
    ),
    (
        "George III., as; Charles I. in; Henry VIII's wives",
        "George the third, as; Charles the first in; Henry the eighth's wives",
    ),
    (
        "Queen Elizabeth II. She died. Louis XIV was king.",
        "Queen Elizabeth the second. She died. Louis the fourteenth was king.",
    ),
    (
        "World War II, Part IV, Chapter XLII, the XIX century",
        "World War two, Part four, Chapter forty-two, the nineteenth century",
    ),
    (
        "King Charles I was; James I of Scotland; World War I began",
        "King Charles the first was; James the first of Scotland; World War one began",
    ),
    ("on Main St. The end; Roe v. Wade", "on Main Street. The end; Roe versus Wade"),
    ("Austin, TX, and Tulsa, OK 74101", "Austin, Texas, and Tulsa, Oklahoma seven four one oh one"),
    (
        "the 1st Sgt. and Maj. Gen. Lee, at 25-30 m.p.h.",
        "the first Sergeant and Major General Lee, at twenty-five to thirty miles per hour.",
    ),
    ("I think I. Then I said so; Plan A. Then B.", "I think I. Then I said so; Plan A. Then B."),
    ("the U.S. Senate. In the U.S. He went.", "the U.S. Senate. In the U.S. He went."),
    ("the FBI, NASA and the ACLU", "the FBI, NASA and the ACLU"),
    ("i.e. this, e.g. that, viz. these, &c.", "i.e. this, e.g. that, viz. these, etc."),
    ("AT&T, R&D, and/or, he/she", "AT and T, R and D, and or, he slash she"),
]
LABELS = [
    (
        "214 West Neely Street, 1026 North Beckley, 411 Elm St.",
        "two fourteen West Neely Street, ten twenty-six North Beckley, four eleven Elm Street.",
    ),
    ("at 27, York Street", "at twenty-seven, York Street"),
    (
        "Highway 77, I-35, Route 66, Interstate 405, P.O. Box 2915",
        "Highway seventy-seven, I thirty-five, Route sixty-six, Interstate four oh five, P.O. Box twenty-nine fifteen",
    ),
    (
        "Dallas, TX 75201. Springfield, Illinois 62701",
        "Dallas, Texas seven five two oh one. Springfield, Illinois six two seven oh one",
    ),
    ("(555) 123-4567 or call 911", "five five five, one two three, four five six seven or call nine one one"),
    ("+1 800-555-0199", "plus one, eight hundred, five five five, oh one nine nine"),
    ("a .38 Special and caliber .38", "a thirty-eight Special and caliber thirty-eight"),
    (
        "B-52, MP3, H2O, 3D, COVID-19, A320, C2766, Boeing 747s",
        "B fifty-two, MP three, H two O, three D, COVID nineteen, A three twenty, C two seven six six, "
        "Boeing seven forty-sevens",
    ),
    (
        "v2.0, Python 3.11.4, 192.168.1.1",
        "version two point zero, Python three point eleven point four, one hundred ninety-two dot one "
        "hundred sixty-eight dot one dot one",
    ),
    (
        "#5, §5, №7 and 123-45-6789",
        "number five, section five, number seven and one two three, four five, six seven eight nine",
    ),
    ("Write to john.doe@example.co.uk. Go on.", "Write to john dot doe at example dot co dot U K. Go on."),
    (
        "See https://www.example.com/a-b?x=1, or example.org.",
        "See W W W dot example dot com slash a dash b question mark x equals one, or example dot org.",
    ),
    ("#OpenData, @user, C++ and C#", "hashtag Open Data, at user, C plus plus and C sharp"),
    ("an α particle, 2 π r", "an alpha particle, two pi r"),
]
REPORTS = [
    (
        "Commission Exhibit No. 399; Exhibits Nos. 347, 348, and 350; frames 166 to 186 and 210-225",
        "Commission Exhibit Number three ninety-nine; Exhibits Numbers three forty-seven, three forty-eight, and three "
        "fifty; frames one sixty-six to one eighty-six and two ten to two twenty-five",
    ),
    (
        "At 12:30 p.m., C.s.t., the car went 11.2 miles per hour.",
        "At twelve thirty p.m., C.s.t., the car went eleven point two miles per hour.",
    ),
    ("7 p.m. ET, 5:30pm-7pm, 9-5pm", "seven p.m. ET, five thirty p.m. to seven p.m., nine to five p.m."),
    ("A. Hidell and James V. Forrestal, S. aureus", "A. Hidell and James V. Forrestal, S. aureus"),
    ("revolver V510210, a 4-to-1 vote", "revolver V five one zero two one zero, a four-to-one vote"),
    ("a .30-06 or .45-70 cartridge", "a thirty aught six or forty-five seventy cartridge"),
    (
        "Public Law 86-272, file No. 105-82555",
        "Public Law eighty-six two seventy-two, file Number one oh five eight two five five five",
    ),
    (
        "an angle of 17°43'30\", or 45° 30'",
        "an angle of seventeen degrees, forty-three minutes, thirty seconds, or forty-five degrees, thirty minutes",
    ),
    (
        "1312 1/2 Commerce Street and 621 N. Marsalis",
        "thirteen twelve and a half Commerce Street and six twenty-one North Marsalis",
    ),
    (
        "12th St. NW, Washington, D.C. 20500",
        "twelfth Street NW, Washington, D.C. two oh five oh oh",
    ),
    (
        "Brown v. Board, 347 U.S. 483 (1954)",
        "Brown versus Board, three forty-seven U.S. four eighty-three (nineteen fifty-four)",
    ),
    ("WHitehall 8-1993, 555-1234", "WHitehall eight, one nine nine three, five five five, one two three four"),
    (
        "1/200th to 1/6000; a 35 mm film and 5 mm of rain",
        "one two-hundredth to one six-thousandth; a thirty-five millimeter film and five millimeters of rain",
    ),
    (
        "1 Cor. 13:4-7, Ps. 23:1 and John 3:16",
        "First Corinthians thirteen four to seven, Psalm twenty-three one and John three sixteen",
    ),
    (
        "the 5 W's, 9.58s, 7.62x39mm, 3.5 x 10^6",
        "the five W's, nine point five eight seconds, seven point six two by thirty-nine millimeters, three point five "
        "times ten to the power of six",
    ),
    (
        "$3/lb, $5 million/year, a $30-a-month room",
        "three dollars per pound, five million dollars per year, a thirty dollar-a-month room",
    ),
    ("USD 5, 5€, £5 10s and 10s. each", "five dollars, five euros, five pounds, ten shillings and ten shillings each"),
    (
        "±5, ~20 men, 4.5/5, 60/minute, 2 * 3, 9 - 4, 1 + 1, 9+",
        "plus or minus five, about twenty men, four point five out of five, sixty per minute, two times three, nine "
        "minus four, one plus one, nine plus",
    ),
    (
        "w/o milk, w/ tea, < 5 and > 6, x < y > z, q+a",
        "without milk, with tea, less than five and greater than six, x is less than y is greater than z, q plus a",
    ),
    ("(ii) Act iii; 50-50; 1850/51", "(two) Act three; fifty fifty; eighteen fifty to fifty-one"),
    (
        "Capt Smith, +44 20 7946 0958, 020 7946 0958",
        "Captain Smith, plus four four, two oh, seven nine four six, oh nine five eight, oh two oh, seven nine four "
        "six, oh nine five eight",
    ),
    ("a 12-10-3 record, 0800 hours", "a twelve, ten, three record, zero eight hundred hours"),
    ("a Boeing 737-800, 1,000s", "a Boeing seven thirty-seven eight hundred, thousands"),
    ("New Orleans, La., and St. Louis, Mo. Then", "New Orleans, Louisiana, and St. Louis, Missouri. Then"),
    ("www.a-b.xyz, at 1901 N Main Street", "W W W dot a dash b dot xyz, at nineteen oh one North Main Street"),
]
UNTOUCHED = [
    "I told James I was late, on the Day I left; yes, OK.",
    "It was the letter I. He said so.",
    "Nine hundred and ninety-nine, in the year eighteen oh three.",
    "nine p.m. on the second of May",
    "cafés, Müller, naïve, Zoë -- and a grâce",
    '"Oh!" he said; (no more) - and went.',
    "rock 'n' roll, o'clock, the men's",
    "He had a mild mix of civil livid vivid did.",
]


@pytest.mark.parametrize(("text", "reading"), NUMBERS + DATES + QUANTITIES + NAMES + LABELS + REPORTS)
def test_english_is_read_as_a_person_reads_it(text: str, reading: str) -> None:
    assert normalise(text) == reading


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_is_written_as_it_is_spoken_stays(text: str) -> None:
    assert normalise(text) == text


@pytest.mark.parametrize(("_", "reading"), NUMBERS + DATES + QUANTITIES + NAMES + LABELS + REPORTS)
def test_a_reading_reads_as_itself(_: str, reading: str) -> None:
    assert normalise(reading) == reading


def test_the_british_say_and_within_a_number() -> None:
    assert normalise("105 and 1,001 and 2,500", "en-gb") == (
        "one hundred and five and one thousand and one and two thousand five hundred"
    )


@pytest.mark.parametrize(
    ("text", "reading", "dropped"),
    [
        ("Hello 😀 world 👍🏽!", "Hello world!", ("😀", "👍")),
        ("I ❤️ it", "I it", ("❤",)),
        ("你好 world, мир", "world,", ("你", "好", "м", "и", "р")),
        ("λόγος or α", "or alpha", ("λ", "ό", "γ", "ο", "ς")),
        ("**bold** a|b", "bold a b", ("*", "*", "*", "*", "|")),
        ("[one] {two}", "(one) (two)", ()),
        ("© 2024 ™", "twenty twenty-four", ("©", "™")),
        ("\ufeffplain\x00 \ud800text", "plain text", ()),
    ],
)
def test_what_cannot_be_read_is_left_out_and_named(text: str, reading: str, dropped: tuple[str, ...]) -> None:
    found = Reader("en-us").read(text)
    assert (found.text, found.dropped) == (reading, dropped)


def test_inline_phonemes_pass_while_the_text_around_them_is_read() -> None:
    assert normalise("Mr. [[5 & ˈɛks 1/2]] has $5.") == "Mr. [[5 & ˈɛks 1/2]] has five dollars."
    assert normalise("No. [[5]]5 [[") == "No. [[5]]five (("
