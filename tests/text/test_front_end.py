"""Text to ids: the same as Piper's runtime on real lines, and bounded whatever comes in."""

import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs import InputError
from data.layouts import read_corpus
from text import (
    EspeakPhonemiser,
    GraphemePhonemiser,
    Lexicon,
    Reader,
    TextFrontEnd,
    grapheme_symbols,
    piper_symbols,
)
from text.characters import clean

NESTED = "[[ ]] [ ] ( ) \" ' . , ! ? — a bc [[a]] [[]] [[ˈ]] [[.]] <b> &amp; 5 …"
ROOT = Path(__file__).resolve().parents[2]
LETTERS = TextFrontEnd(
    kind="graphemes", language="", symbols=grapheme_symbols(["the quick brown fox jumps over a lazy dog"])
)


@pytest.fixture(scope="module")
def espeak() -> TextFrontEnd:
    pytest.importorskip("piper")
    return TextFrontEnd(kind="espeak", language="en-us", symbols=piper_symbols())


@pytest.fixture(scope="module")
def piper_voice() -> Any:
    """Piper's runtime without a model, with our symbols in its settings."""
    piper = pytest.importorskip("piper")
    settings = piper.config.PiperConfig.from_dict(
        {
            "num_symbols": 256,
            "num_speakers": 1,
            "audio": {"sample_rate": 22050},
            "espeak": {"voice": "en-us"},
            "phoneme_id_map": {symbol: [index] for symbol, index in piper_symbols().ids.items()},
        }
    )
    return piper.PiperVoice(session=None, config=settings)


def spoken(front_end: TextFrontEnd, text: str, **options: int) -> list[str]:
    return ["".join(encoded.symbols) for encoded in front_end.sentences(text, **options)]


def test_real_lines_have_the_ids_of_pipers_runtime(espeak: TextFrontEnd, piper_voice: Any, ljspeech: Path) -> None:
    several, reader = 0, Reader("en-us")
    for row in read_corpus(ljspeech).recordings:
        text = reader.read(row.text).spoken
        theirs = [piper_voice.phonemes_to_ids(sentence) for sentence in piper_voice.phonemize(text)]
        assert [list(encoded.ids) for encoded in espeak.sentences(row.text)] == theirs
        whole = [symbol for sentence in piper_voice.phonemize(text) for symbol in (" ", *sentence)][1:]
        assert list(espeak.utterance(row.text).ids) == piper_voice.phonemes_to_ids(whole)
        several += len(theirs) > 1
    assert several > 10


@pytest.mark.parametrize(
    "text",
    [
        "Say [[ tə.mˈɑːtoʊ ]] now.",
        "Say[[tə]]now.",
        "[[həlˈoʊ]] world. Good [[bˈaɪ]]",
        "[[a]][[b]] c",
        "[[həlˈoʊ]]",
        "No blocks, here or there.",
    ],
)
def test_inline_phonemes_are_read_as_piper_reads_them(espeak: TextFrontEnd, piper_voice: Any, text: str) -> None:
    theirs = [piper_voice.phonemes_to_ids(sentence) for sentence in piper_voice.phonemize(text)]
    assert [list(encoded.ids) for encoded in espeak.sentences(text)] == theirs


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("I like [[tə]]. Good.", ["aɪ lˈaɪk tə.", "ɡˈʊd."]),
        ("I like [[tə]], too.", ["aɪ lˈaɪk tə, tˈuː."]),
        ("Is it [[tə]]?", ["ɪz ɪt tə?"]),
        ("One. [[tˈuː]] three. Four.", ["wˌʌn.", "tˈuː θɹˈiː.", "fˈɔːɹ."]),
        ('Say "[[tə]]" now.', ["sˈeɪ tə nˈaʊ."]),
        ("[[a]] [[b]], [[c]].", ["a b, c."]),
    ],
)
def test_inline_phonemes_are_words_of_their_sentence(espeak: TextFrontEnd, text: str, sentences: list[str]) -> None:
    # Piper's runtime loses the mark after a block, and the end of the sentence before it.
    assert spoken(espeak, text) == sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ('"[[təmˈɑːtoʊ]]"', ["təmˈɑːtoʊ"]),
        ("([[a]]", ["a"]),
        ("]] [[a]]", ["a"]),
        ("([[a]]) [[b]]. c", ["a b.", "sˈiː"]),
        ("'[[a]]'[[b]]\"", ["ab"]),
    ],
)
def test_inline_phonemes_stand_at_any_place(espeak: TextFrontEnd, text: str, sentences: list[str]) -> None:
    assert spoken(espeak, text) == sentences


@given(
    st.lists(
        st.sampled_from((*NESTED.split(), " ", "\n")),
        max_size=14,
    ).map("".join)
)
def test_blocks_quotes_and_marks_nested_anyhow_give_sentences(text: str) -> None:
    pytest.importorskip("piper")
    front_end = TextFrontEnd(kind="espeak", language="en-us", symbols=piper_symbols())
    for one in (front_end, LETTERS):
        assert all(encoded.symbols for encoded in one.sentences(text))
        one.utterance(text)
        one.phonemise(text)


def test_inline_letters_keep_their_marks_and_spaces() -> None:
    text = 'The [[dog]]. A fox, "[[DoG]]" ran. [[Fox]]!'
    assert [*map("".join, GraphemePhonemiser()(text))] == ["the dog.", 'a fox, "DoG" ran.', "Fox!"]


def test_inline_phonemes_are_decomposed_like_those_of_espeak(espeak: TextFrontEnd) -> None:
    assert spoken(espeak, "[[\u00e7\u00e3]]") == ["c\u0327a\u0303"]


def test_a_block_that_is_not_closed_is_text(espeak: TextFrontEnd) -> None:
    assert spoken(espeak, "[[ hello") == spoken(espeak, "hello")


def test_inline_letters_pass_without_being_lower_cased() -> None:
    assert GraphemePhonemiser()("The [[DoG]]. Ran") == [list("the DoG."), list("ran")]


def test_what_cannot_be_read_is_among_the_unknown_whichever_way_a_text_is_encoded() -> None:
    text = "A dog 😀 jumps. Over\n\nthe lazy ① 猫 fox."
    letters = TextFrontEnd(kind="graphemes", language="en-us", symbols=grapheme_symbols(["the lazy dog jumps over fx"]))
    assert letters.utterance(text).unknown == ("😀", "猫", "n")
    assert [encoded.unknown for encoded in letters.sentences(text)] == [("😀",), (), ("猫", "n")]


def test_letters_are_those_of_the_reading_in_its_language() -> None:
    assert set("fünf") <= set(grapheme_symbols(["5"], "de").ids)
    german = TextFrontEnd(kind="graphemes", language="de", symbols=grapheme_symbols(["5 + 1,5"], "de"))
    assert spoken(german, "5 + 1,5") == ["fünf plus eins komma fünf"]


def test_a_lexicon_word_is_spoken_as_if_its_phonemes_stood_in_the_text(espeak: TextFrontEnd) -> None:
    lexicon = Lexicon({"GIF": "[[dʒˈɪf]]", "nguyen": "win", "SQL": "sequel"})
    with_lexicon = TextFrontEnd(kind="espeak", language="en-us", symbols=piper_symbols(), lexicon=lexicon)
    for text, same in (
        ("I like GIF files.", "I like [[dʒˈɪf]] files."),
        (
            "Mr. Nguyen has 5 GIFs, SQL and a GIF. GIF's end.",
            "Mr. win has five GIFs, sequel and a [[dʒˈɪf]]. [[dʒˈɪfs]] end.",
        ),
    ):
        assert with_lexicon.sentences(text) == espeak.sentences(same)
        assert with_lexicon.utterance(text) == espeak.utterance(same)
    around = spoken(espeak, "I like GIF files.")[0].split(" ")
    assert spoken(with_lexicon, "I like GIF files.")[0].split(" ") == [*around[:2], "dʒˈɪf", *around[-1:]]


def test_no_abbreviation_makes_a_pause_and_no_initial_is_an_article(espeak: TextFrontEnd) -> None:
    (sentence,) = spoken(
        espeak, "Mr. Smith met Gen. Edwin A. Walker, J. B. Day and the U.S. Senate at Exhibit A in St. Paul."
    )
    assert sentence.count(".") == 1
    assert "ˈɛdwɪn ˈeɪ wˈɔːkɚ" in sentence
    assert "ɛɡzˈɪbɪt ˈeɪ ɪn" in sentence


def test_an_utterance_is_its_sentences_with_spaces_between(espeak: TextFrontEnd) -> None:
    for front_end in (espeak, LETTERS):
        text = "The fox jumps. Over a dog! Does a dog? The lazy"
        sentences = spoken(front_end, text)
        assert len(sentences) == 4
        assert "".join(front_end.utterance(text).symbols) == " ".join(sentences)


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("A fox. The dog! Over?  Jumps", ["a fox.", "the dog!", "over?", "jumps"]),
        ('"Jump!" the fox "over." Dog', ['"jump!"', 'the fox "over."', "dog"]),
        ("The brown.fox jumps", ["the brown.fox jumps"]),
        ("A dog... the fox", ["a dog...", "the fox"]),
        ("ＴＨＥ dog", ["the dog"]),
        ("the 42 dogs", ["the  dogs"]),
        ("a dog. ... ! 7. a fox", ["a dog.", "a fox"]),
    ],
)
def test_letters_are_split_into_sentences_and_lower_cased(text: str, sentences: list[str]) -> None:
    assert spoken(LETTERS, text) == sentences


@pytest.mark.parametrize("text", ["", " \n", "...", "?!", "\ufeff", "\ud800\x00", "—", "[[]]", "[[ˈ]]", "[[_^$]]"])
def test_text_with_nothing_to_speak_gives_no_sentence(espeak: TextFrontEnd, text: str) -> None:
    assert espeak.sentences(text) == []
    assert LETTERS.sentences(text) == []


@pytest.mark.parametrize(
    ("text", "most", "pieces"),
    [
        ("the fox, the dog", 12, ["the fox,", "the dog"]),
        ("a, b, c dogs", 10, ["a, b,", "c dogs"]),
        ("the fox the dog", 12, ["the fox the", "dog"]),
        ("the fox the dog", 11, ["the fox the", "dog"]),
        ("the fox the dog", 10, ["the fox", "the dog"]),
        ("thefoxthedog", 5, ["thefo", "xthed", "og"]),
        ("the fox,the dog", 12, ["the fox,the", "dog"]),
        ("the fox", 7, ["the fox"]),
    ],
)
def test_a_long_sentence_is_cut_at_a_clause_else_at_a_space_else_where_it_is(
    text: str, most: int, pieces: list[str]
) -> None:
    assert spoken(LETTERS, text, max_symbols=most) == pieces


@given(st.text("ab ,.", max_size=200), st.integers(1, 30))
def test_cutting_loses_no_letter_and_keeps_the_bound(text: str, most: int) -> None:
    pieces = spoken(LETTERS, text, max_symbols=most)
    assert all(0 < len(piece) <= most for piece in pieces)
    letters = [character for character in "".join(pieces) if character.isalpha()]
    assert letters == [character for character in text if character.isalpha()]


@pytest.mark.parametrize("unit", ["hello there ", "abcdefghij", "a, ", "[[ab]]", "[[", "é\u0301", "x" * 399 + ", "])
def test_fifty_thousand_characters_without_a_full_stop_stay_bounded(espeak: TextFrontEnd, unit: str) -> None:
    text = (unit * 50_000)[:50_000]
    for front_end in (espeak, LETTERS):
        start = time.process_time()
        sentences = front_end.sentences(text)
        # Quadratic work on this much text takes minutes.
        assert time.process_time() - start < 5
        assert all(len(encoded.symbols) <= 400 for encoded in sentences)
    # What was last is LETTERS, whose symbols can be counted.
    letters = sum(symbol.isalpha() for encoded in sentences for symbol in encoded.symbols)
    assert letters == sum(character.isalpha() and character in LETTERS.symbols.ids for character in clean(text))


def test_threads_that_speak_different_languages_do_not_mix_them_up() -> None:
    pytest.importorskip("piper")
    languages = {name: EspeakPhonemiser(name) for name in ("en-us", "nl", "de", "fr")}
    text = "The voice, a house: one two three. Was ist das?"
    alone = {name: phonemise(text) for name, phonemise in languages.items()}
    assert len({str(sentences) for sentences in alone.values()}) == 4
    names = random.Random(0).choices(sorted(languages), k=800)
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda name: languages[name](text), names))
    assert [name for name, sentences in zip(names, together, strict=True) if sentences != alone[name]] == []


def test_an_unknown_language_is_named_with_those_that_are_near() -> None:
    pytest.importorskip("piper")
    with pytest.raises(InputError, match=r"data\.language = 'en_us' is not a voice of espeak-ng: did you mean en-us"):
        EspeakPhonemiser("en_us")
    for language in ("", "klingonese", "a\0b", "a\ud800b"):
        with pytest.raises(InputError, match="is not a voice of espeak-ng"):
            EspeakPhonemiser(language)
    assert EspeakPhonemiser("en-us")("Hello.") == [list("həlˈoʊ.")]


def test_a_missing_piper_is_named_with_the_way_round_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "piper.phonemize_espeak", None)
    with pytest.raises(InputError, match=r"pip install piper-tts \(GPL-3\), or set data\.front_end=graphemes"):
        EspeakPhonemiser("en-us")


def test_a_bound_of_no_symbols_is_refused() -> None:
    with pytest.raises(ValueError, match="max_symbols = 0"):
        LETTERS.sentences("the dog", max_symbols=0)


def run(lines: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "text", *options]
    return subprocess.run(command, input=lines, capture_output=True, text=True, encoding="utf-8", cwd=ROOT, check=False)


def test_the_command_prints_each_line_as_it_is_read_and_as_it_is_spoken() -> None:
    pytest.importorskip("piper")
    assert run("“Ｈello”\u00ad\n\nwor\u200bld\n").stdout == '"Hello"\n\nworld\n'
    assert run("Hello. Yes?\n\n", "--phonemes").stdout == "həlˈoʊ. jˈɛs?\n\n"
    assert run("Ça va!\n", "--phonemes", "--front-end", "graphemes").stdout == "ça va!\n"


def test_the_command_reads_in_its_language_with_a_lexicon_and_writes_a_line_for_each(tmp_path: Path) -> None:
    lexicon = tmp_path / "words.txt"
    lexicon.write_text("gif\tjif\n", encoding="utf-8")
    lines = "5 GIFs, a GIF\n\n😀\nDr. X[[\n1\x0b2\x0c\x1c3\x85\u2028\r4\n"
    read = run(lines, "--lexicon", str(lexicon))
    assert read.stderr == "left out, because they cannot be read aloud (how often): 😀 (grinning face: 1)\n"
    assert read.stdout == "five GIFs, a jif\n\n\nDr. X((\none two three four\n"
    assert run("Am 5. Mai\r\n", "--language", "de").stdout == "Am fünften Mai\n"
    assert run("last", "--language", "en-us").stdout == "last\n"
    wrong = run("Hello\n", "--lexicon", str(tmp_path / "none.txt"))
    assert (wrong.returncode, wrong.stderr.count("\n"), "none.txt" in wrong.stderr) == (2, 1, True)


def test_the_command_has_help_and_one_sentence_for_a_mistake() -> None:
    pytest.importorskip("piper")
    assert "--phonemes" in run("", "--help").stdout
    wrong = run("Hello\n", "--phonemes", "--language", "english")
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)
    assert wrong.stderr.startswith("error: data.language = 'english' is not a voice")


def test_british_english_is_known_by_its_usual_name() -> None:
    pytest.importorskip("piper")
    assert EspeakPhonemiser("en-gb")("hot bath") == EspeakPhonemiser("gmw/en")("hot bath")
    assert EspeakPhonemiser("en-gb")("hot bath") != EspeakPhonemiser("en-us")("hot bath")
