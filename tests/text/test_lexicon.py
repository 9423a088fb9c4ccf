"""A user's lexicon: its file, which words it meets, and its way into a voice and out again."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from configs import InputError, load_config
from infer import Voice
from models.synthesizer import Synthesizer
from text import Lexicon, Reader, SymbolTable, grapheme_symbols
from voices.voice_file import load_voice, save_voice

ROOT = Path(__file__).resolve().parents[2]
SYMBOLS: SymbolTable = grapheme_symbols(["abcdefghijklmnopqrstuvwxyz"])


def lexicon_of(folder: Path, text: str) -> Lexicon:
    (folder / "lexicon.txt").write_bytes(text.encode())
    return Lexicon.from_file(folder / "lexicon.txt")


def read(text: str, language: str = "en-us", **entries: str) -> str:
    return Reader(language, Lexicon(entries)).read(text).text


def test_a_file_has_one_entry_a_line_with_a_tab_two_spaces_or_an_equals_sign(tmp_path: Path) -> None:
    lexicon = lexicon_of(
        tmp_path,
        "\ufeff# words\nGIF\tjif\r\nnguyen  win # a name\n\nsql = sequel\nNew Orleans\tnew orlins\n"
        "O’Brien\to'bryan\nC++=see plus plus\ntomato\t[[ təˈmɑːtoʊ ]]\nC#\tsee sharp\n",
    )
    assert lexicon.entries == {
        "GIF": "jif",
        "nguyen": "win",
        "sql": "sequel",
        "New Orleans": "new orlins",
        "O'Brien": "o'bryan",
        "C++": "see plus plus",
        "tomato": "[[ təˈmɑːtoʊ ]]",
        "C#": "see sharp",
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("gif\n", "lexicon.txt, line 1: 'gif' is no entry: write a word, a tab, and how to read it"),
        ("# a\ngif\t\n", "line 2: 'gif' is no entry"),
        ("\tjif\n", "line 1: 'jif' is no entry"),
        ("+\tplus\n", "line 1: .* is no entry"),
        ("gif\tjif\ngif\tgiff\n", "line 2: 'gif' has been given before: keep one of the two"),
    ],
)
def test_a_line_that_is_no_entry_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        lexicon_of(tmp_path, text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\tcafay\n")
    for name, told in {
        "latin.txt": "cannot be read as a UTF-8 lexicon",
        "none.txt": "there is no such lexicon",
    }.items():
        with pytest.raises(InputError, match=rf"{name}: {told}"):
            Lexicon.from_file(tmp_path / name)


@given(st.dictionaries(st.from_regex(r"[a-zA-Zé0-9][a-z' ]{0,5}", fullmatch=True), st.text("abc", min_size=1)))
def test_a_lexicon_comes_back_from_json_as_it_was(entries: dict[str, str]) -> None:
    assert Lexicon.from_json(Lexicon(entries).to_json()) == Lexicon(entries)


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": 5}', '{"": "b"}', '{"a": " "}'])
def test_what_is_no_lexicon_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="the lexicon"):
        Lexicon.from_json(text)


def test_whole_words_are_replaced_and_no_parts_of_words() -> None:
    assert read("gif, gifs (gif) 'gif' gif-file gif's re-gif don't", gif="jif", don="x", t="y") == (
        "jif, gifs (jif) 'jif' jif-file jif's re-jif don't"
    )


def test_an_entry_in_lower_case_meets_every_spelling_and_one_with_capitals_only_its_own() -> None:
    assert read("polish Polish POLISH", polish="paul-ish") == "paul-ish paul-ish paul-ish"
    assert read("polish Polish POLISH", Polish="pole-ish") == "polish pole-ish POLISH"
    assert read("polish Polish", polish="paul-ish", Polish="pole-ish") == "paul-ish pole-ish"


def test_the_longest_entry_goes_first_and_nothing_is_replaced_twice() -> None:
    entries = {"new orleans": "nawlins", "new": "old", "old": "ancient", "orleans": "or-lay-ans"}
    lexicon = Lexicon(entries)
    assert Reader("en-us", lexicon).read("New Orleans, new York, Orleans").text == "nawlins, old York, or-lay-ans"


def test_words_that_would_be_read_otherwise_are_met_as_they_are_written() -> None:
    entries = {"C++": "see plus plus", "vs.": "against", "B2": "bee too", "INS": "ins", "Dr.": "Doc", "x²": "ex two"}
    text = "C++ vs. B2; INS, Dr. Who, x²"
    assert Reader("en-us", Lexicon(entries)).read(text).text == "see plus plus against bee too; ins, Doc Who, ex two"


def test_words_that_numbers_are_read_as_are_met_too() -> None:
    assert read("7 and 17", seven="sebben") == "sebben and seventeen"
    assert read("7 und 17", "de", sieben="siem") == "siem und siebzehn"


def test_inline_phonemes_are_no_words_and_a_possessive_takes_its_sound() -> None:
    assert read("gif [[gif]]", gif="jif") == "jif [[gif]]"
    said = {"gif": "[[dʒɪf]]", "jen": "[[dʒɛn]]", "bush": "[[bʊʃ]]"}
    assert read("gif's Jen's bush's", **said) == "[[dʒɪfs]] [[dʒɛnz]] [[bʊʃᵻz]]"


@given(st.text("ab'. -[]Aß", max_size=20))
def test_any_text_can_be_looked_up_and_an_empty_lexicon_changes_nothing(text: str) -> None:
    Lexicon({"ab": "x", "a": "[[b]]", "b a": "y", "AB": "z"}).apply(text)
    assert Lexicon({}).apply(text) == text


def test_a_voice_keeps_its_lexicon_and_older_voices_have_none(tmp_path: Path) -> None:
    config = load_config(ROOT / "configs" / "tiny.toml", ["data.front_end=graphemes"])
    torch.manual_seed(0)
    model = Synthesizer(config, num_symbols=SYMBOLS.size, num_speakers=1).eval()
    for name, lexicon in (("with", Lexicon({"gif": "jif"})), ("without", None)):
        save_voice(
            tmp_path / name,
            model,
            config,
            symbols=SYMBOLS.to_json(),
            speakers=(),
            step=1,
            lexicon=lexicon.to_json() if lexicon else None,
        )
    assert load_voice(tmp_path / "without").lexicon is None
    heard = {name: Voice.load(tmp_path / name, "cpu") for name in ("with", "without")}
    assert ["".join(voice.front_end.utterance("A GIF").symbols) for voice in heard.values()] == ["a jif", "a gif"]
    assert (heard["with"].speak("a gif", seed=1) == heard["without"].speak("a jif", seed=1)).all()
