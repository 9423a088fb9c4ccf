"""The alphabet of a voice: Piper's ids, or the letters of a corpus, and its way to disk and back."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs import InputError
from text import SymbolTable, grapheme_symbols, piper_symbols

TABLE = SymbolTable({"_": 0, "^": 1, "$": 2, " ": 3, "a": 4, "b": 7})


def test_ids_are_start_every_symbol_with_a_pad_and_end() -> None:
    encoded = TABLE.encode("ab a")
    assert encoded.ids == (1, 0, 4, 0, 7, 0, 3, 0, 4, 0, 2)
    assert encoded.symbols == ("a", "b", " ", "a")
    assert encoded.unknown == ()
    assert TABLE.encode("").ids == (1, 0, 2)


def test_without_a_start_and_an_end_ids_are_every_symbol_between_two_pads() -> None:
    table = SymbolTable({"_": 0, "a": 1, "b": 2})
    encoded = table.encode("a^b$_c")
    assert encoded.ids == (0, 1, 0, 2, 0)
    assert encoded.symbols == ("a", "b")
    assert encoded.unknown == ("^", "$", "_", "c")
    assert table.encode("").ids == (0,)
    assert SymbolTable.from_json(table.to_json()) == table


@given(st.text("ab xyz_^$"))
def test_unknown_and_special_symbols_are_left_out_and_returned(text: str) -> None:
    encoded = TABLE.encode(text)
    kept = [character for character in text if character in "ab "]
    assert encoded.ids == TABLE.encode(kept).ids
    assert list(encoded.symbols) == kept
    assert list(encoded.unknown) == [character for character in text if character not in "ab "]
    assert encoded.ids[2:-1:2] == tuple(TABLE.ids[symbol] for symbol in kept)


def test_size_has_room_for_the_highest_id() -> None:
    assert TABLE.size == 8


def test_pipers_symbols_are_those_of_its_runtime_with_one_character() -> None:
    phoneme_ids = pytest.importorskip("piper.phoneme_ids")
    table = piper_symbols()
    for symbol in table.ids:
        if symbol not in "_^$":
            assert list(table.encode([symbol]).ids) == phoneme_ids.phonemes_to_ids([symbol])
    assert set(phoneme_ids.DEFAULT_PHONEME_ID_MAP) - set(table.ids) == {"aɪ", "aʊ", "ɔɪ", "eɪ", "oʊ"}


def test_letters_are_those_of_the_corpus_whatever_its_order_and_its_composition() -> None:
    table = grapheme_symbols(["Zoë 1984!", "a été", "Ñandú, ｂｅ"])
    assert [symbol for symbol in table.ids if symbol.isalpha()] == sorted("abdentozéëñú")
    assert not {"1", "9", "8", "4"} & set(table.ids)
    assert grapheme_symbols(["N\u0303andu\u0301, be", "a e\u0301te\u0301", "Zoe\u0308 1984!"]) == table
    assert sorted(table.ids.values()) == list(range(table.size))


def test_letters_that_are_written_with_marks_keep_their_marks() -> None:
    assert set("हिन्दी") <= set(grapheme_symbols(["हिन्दी"]).ids)


@given(st.dictionaries(st.characters(exclude_characters="_^$"), st.integers(3, 10**6)))
def test_a_table_comes_back_from_json_as_it_was(ids: dict[str, int]) -> None:
    unique = {"_": 0, "^": 1, "$": 2} | {symbol: index for index, symbol in {v: k for k, v in ids.items()}.items()}
    table = SymbolTable(unique)
    assert SymbolTable.from_json(table.to_json()) == table


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not JSON"),
        ("[1]", "is not a JSON object"),
        (json.dumps({"^": 1, "$": 2}), "gives '_' the id None, not 0"),
        (json.dumps({"_": 0, "^": 2, "$": 1}), r"gives '\^' the id 2, not 1"),
        (json.dumps({"_": 0, "^": 1}), r"gives '\$' the id None, not 2"),
        (json.dumps({"_": 0, "$": 2}), r"gives '\^' the id None, not 1"),
        (json.dumps({"_": 0, "^": 1, "$": 2, "a": 3, "b": 3}), "both 'a' and 'b' the id 3"),
        (json.dumps({"_": 0, "^": 1, "$": 2, "aɪ": 3}), "a symbol is one character"),
        (json.dumps({"_": 0, "^": 1, "$": 2, "a": [3]}), r"the id \[3\], which is not a whole number"),
        (json.dumps({"_": 0, "^": 1, "$": 2, "a": -3}), "the id -3"),
        (json.dumps({"_": 0, "^": 1, "$": 2, "a": True}), "the id True"),
    ],
)
def test_what_is_not_a_symbol_table_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        SymbolTable.from_json(text)


def test_a_missing_piper_is_named_with_the_way_round_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "piper.phoneme_ids", None)
    with pytest.raises(InputError, match=r"pip install piper-tts \(GPL-3\), or set data\.front_end=graphemes"):
        piper_symbols()
