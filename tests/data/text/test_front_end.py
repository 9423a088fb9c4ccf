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
from data.metadata import read_metadata
from data.text import EspeakPhonemiser, GraphemePhonemiser, TextFrontEnd, grapheme_symbols, normalise, piper_symbols

ROOT = Path(__file__).resolve().parents[3]
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
    several = 0
    for row in read_metadata(ljspeech, "metadata.csv", ("id", "raw_text", "text")):
        theirs = [piper_voice.phonemes_to_ids(sentence) for sentence in piper_voice.phonemize(row.text)]
        assert [list(encoded.ids) for encoded in espeak.sentences(row.text)] == theirs
        whole = [symbol for sentence in piper_voice.phonemize(row.text) for symbol in (" ", *sentence)][1:]
        assert list(espeak.utterance(row.text).ids) == piper_voice.phonemes_to_ids(whole)
        several += len(theirs) > 1
    assert several > 10


@pytest.mark.parametrize(
    "text",
    [
        "Say [[ tə.mˈɑːtoʊ ]] now.",
        "Say[[tə]]now.",
        "[[həlˈoʊ]] world. Good [[bˈaɪ]]",
        "One. [[tˈuː]] three. Four.",
        "[[a]][[b]] [[c]]",
        "[[həlˈoʊ]]",
        "No blocks, [here] or ]] there.",
    ],
)
def test_inline_phonemes_are_read_as_piper_reads_them(espeak: TextFrontEnd, piper_voice: Any, text: str) -> None:
    theirs = [piper_voice.phonemes_to_ids(sentence) for sentence in piper_voice.phonemize(text)]
    assert [list(encoded.ids) for encoded in espeak.sentences(text)] == theirs


def test_inline_phonemes_are_decomposed_like_those_of_espeak(espeak: TextFrontEnd) -> None:
    assert spoken(espeak, "[[\u00e7\u00e3]]") == ["c\u0327a\u0303"]


def test_a_block_that_is_not_closed_is_text(espeak: TextFrontEnd) -> None:
    assert spoken(espeak, "[[ hello") == spoken(espeak, "hello")


def test_inline_letters_pass_without_being_lower_cased() -> None:
    assert GraphemePhonemiser()("The [[DoG]]. Ran") == [list("the DoG."), list("ran")]


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
        start = time.perf_counter()
        sentences = front_end.sentences(text)
        # Quadratic work on this much text takes minutes.
        assert time.perf_counter() - start < 5
        assert all(len(encoded.symbols) <= 400 for encoded in sentences)
    # What was last is LETTERS, whose symbols can be counted.
    letters = sum(symbol.isalpha() for encoded in sentences for symbol in encoded.symbols)
    assert letters == sum(character.isalpha() and character in LETTERS.symbols.ids for character in normalise(text))


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
    command = [sys.executable, "-m", "data.text", *options]
    return subprocess.run(command, input=lines, capture_output=True, text=True, encoding="utf-8", cwd=ROOT, check=False)


def test_the_command_prints_each_line_as_it_is_read_and_as_it_is_spoken() -> None:
    pytest.importorskip("piper")
    assert run("“Ｈello”\u00ad\n\nwor\u200bld\n").stdout == '"Hello"\n\nworld\n'
    assert run("Hello. Yes?\n\n", "--phonemes").stdout == "həlˈoʊ. jˈɛs?\n\n"
    assert run("Ça va!\n", "--phonemes", "--front-end", "graphemes").stdout == "ça va!\n"


def test_the_command_has_help_and_one_sentence_for_a_mistake() -> None:
    pytest.importorskip("piper")
    assert "--phonemes" in run("", "--help").stdout
    wrong = run("Hello\n", "--phonemes", "--language", "english")
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)
    assert wrong.stderr.startswith("error: data.language = 'english' is not a voice")
