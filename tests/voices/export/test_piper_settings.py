"""Piper and sherpa-onnx find beside and inside the graph what they read there."""

import json
from typing import Any

import pytest

from configs import parse_config
from tests.voices.export.exported import LETTERS, small_voice
from tests.voices.random_voice import NUM_SYMBOLS, small_config
from text import SymbolTable
from voices.export.languages import describe_language
from voices.export.piper import metadata, phoneme_ids, piper_settings, speaker_table, tokens, what_clients_lack
from voices.voice_file import VoiceFile

piper_config = pytest.importorskip("piper.config")
piper_ids = pytest.importorskip("piper.phoneme_ids")


def letters(**data: Any) -> VoiceFile:
    return small_voice(small_config(data={"root": "corpus", "front_end": "graphemes"} | data))


def with_symbols(voice: VoiceFile, symbols: dict[str, int]) -> VoiceFile:
    return VoiceFile(voice.config, voice.synthesizer, json.dumps(symbols), voice.speakers, voice.step)


@pytest.mark.parametrize("speakers", [(), ("ann",), ("0", "1", "2")])
def test_no_table_of_speakers_is_printed_where_every_name_is_its_id(speakers: tuple[str, ...]) -> None:
    assert speaker_table(speakers) == ""


def test_a_table_tells_the_id_of_every_speaker_where_one_is_called_otherwise() -> None:
    told = "speakers, by the id that Piper and sherpa-onnx take:"
    assert speaker_table(("ann", "bob")) == f"{told}\n  0  ann\n  1  bob"
    names = ("0", "1", "10", "11", *map(str, range(2, 10)))  # as older versions sorted them
    lines = speaker_table(names).splitlines()
    assert lines[3] == "   2  10"
    assert [tuple(line.split()) for line in lines[1:]] == [(str(index), name) for index, name in enumerate(names)]


def test_piper_reads_its_settings_as_the_voice_has_them() -> None:
    config = small_config(speaking={"noise_scale": 0.3, "duration_noise_scale": 0.5, "speed": 1.25})
    voice = small_voice(config, speakers=("ann", "bob"))
    settings = json.loads(json.dumps(piper_settings(voice, dataset="choir")))
    read = piper_config.PiperConfig.from_dict(settings)
    assert (read.sample_rate, read.hop_length, read.num_symbols) == (8000, 8, NUM_SYMBOLS)
    assert (read.noise_scale, read.length_scale, read.noise_w_scale) == (0.3, 0.8, 0.5)
    assert (read.num_speakers, read.speaker_id_map) == (2, {"ann": 0, "bob": 1})
    assert (read.espeak_voice, read.phoneme_type.value) == ("en-us", "espeak")
    assert settings["audio"]["quality"] == "low"
    assert settings["language"]["code"] == "en_US"


@pytest.mark.parametrize("ends", [True, False])
def test_piper_puts_the_same_ids_together_as_we_do(ends: bool) -> None:
    symbols = {"_": 0, **({"^": 1, "$": 2} if ends else {}), "a": 3, "b": 4}
    voice = with_symbols(small_voice(), symbols)
    theirs = piper_ids.phonemes_to_ids(["b", "a", "b"], phoneme_ids(voice))
    assert tuple(theirs) == SymbolTable.from_json(voice.symbols).encode("bab").ids


def test_a_voice_of_letters_knows_capitals_too_because_piper_does_not_lower_them() -> None:
    voice = letters()
    assert piper_settings(voice, dataset="letters")["phoneme_type"] == "text"
    ids = phoneme_ids(voice)
    assert ids["A"] == ids["a"]
    assert ids["?"] == [3 + LETTERS.index("?")]
    assert phoneme_ids(small_voice()).keys() == json.loads(voice.symbols).keys()


def test_tokens_are_a_symbol_and_its_id_a_line_in_the_order_of_the_ids() -> None:
    voice = with_symbols(small_voice(), {"a": 4, " ": 3, "_": 0, "^": 1, "$": 2})
    assert tokens(voice) == "_ 0\n^ 1\n$ 2\n  3\na 4\n"


def test_sherpa_finds_its_metadata_and_we_find_ours() -> None:
    voice = small_voice(speakers=("ann", "bob"), lexicon='{"a": "b"}')
    found = metadata(voice)
    assert found["comment"] == "piper"
    assert (found["sample_rate"], found["n_speakers"], found["voice"]) == ("8000", "2", "en-us")
    assert (found["language"], found["has_espeak"]) == ("English", "1")
    assert found["parlance_symbols"] == voice.symbols
    assert json.loads(found["parlance_speakers"]) == ["ann", "bob"]
    assert found["parlance_lexicon"] == voice.lexicon
    assert "frontend" not in found
    assert metadata(letters())["frontend"] == "characters"
    assert "parlance_lexicon" not in metadata(letters())


def test_what_a_client_cannot_do_is_said() -> None:
    assert "espeak-ng alone" in what_clients_lack(small_voice())[0]
    assert "reads letters" in what_clients_lack(letters())[0]
    composed = with_symbols(letters(), {"_": 0, "^": 1, "$": 2, "é": 3})
    assert "decomposes é " in " ".join(what_clients_lack(composed))
    told = what_clients_lack(small_voice(small_config(speaking={"speed": 0.5}), lexicon="{}"))
    assert "lexicon of this voice" in " ".join(told)
    assert "a length scale of 2" in " ".join(told)
    endless = with_symbols(small_voice(), {"_": 0, "a": 1})
    assert "no start and end symbols" in " ".join(what_clients_lack(endless))


@pytest.mark.parametrize(
    ("voice", "code", "family", "region"),
    [
        ("de", "de_DE", "de", "DE"),
        ("pt-br", "pt_BR", "pt", "BR"),
        ("xx-yy", "xx_YY", "xx", "YY"),
        ("xx", "xx", "xx", ""),
    ],
)
def test_a_language_is_described_by_its_espeak_voice(voice: str, code: str, family: str, region: str) -> None:
    language = describe_language(voice)
    assert (language.code, language.family, language.region) == (code, family, region)


def test_quality_is_said_as_published_voices_say_it() -> None:
    settings = small_config().model_dump(exclude_none=True)
    settings["audio"] |= {"sample_rate": 22050}
    voice = small_voice(parse_config(settings, source="quality"))
    assert piper_settings(voice, dataset="")["audio"]["quality"] == "medium"
