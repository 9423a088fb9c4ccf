"""What is written for transformers loads there without a word, speaks the same, and comes back to the bit."""

import functools
import json
import logging
from pathlib import Path
from typing import Any, cast

import pytest
import torch
import transformers

from configs import Config, InputError
from models.synthesizer import Synthesizer
from tests.rounding import assert_same, exactly
from tests.voices.importing.foreign_files import original_synthesizer, write_original
from tests.voices.random_voice import randomised, small_config, speak_up
from text import SymbolTable
from voices.export.hugging_face import export_hugging_face, hugging_face_differences
from voices.importing.sources import load_voice_from
from voices.voice_file import VoiceFile, load_voice, save_voice

QUIET = 0.01
LETTERS = "abcdefghijklmə ˈ,."
WITH_ENDS = {"_": 0, "^": 1, "$": 2, **{letter: index + 3 for index, letter in enumerate(LETTERS)}}
WITHOUT_ENDS = {"_": 0, **{letter: index + 1 for index, letter in enumerate(LETTERS)}}


def voice_of(
    tmp_path: Path,
    *,
    speakers: tuple[str, ...] = (),
    symbols: dict[str, int] = WITH_ENDS,
    whole: bool = False,
    lexicon: str | None = None,
    **sections: dict[str, Any],
) -> VoiceFile:
    """A voice file of random weights, read."""
    config: Config = small_config(**sections)
    synthesizer = randomised(lambda: Synthesizer(config, num_symbols=len(symbols), num_speakers=max(1, len(speakers))))
    speak_up(synthesizer)
    save_voice(
        tmp_path / "voice.safetensors",
        synthesizer,
        config,
        symbols=json.dumps(symbols, ensure_ascii=False),
        speakers=speakers,
        step=12,
        whole=whole,
        lexicon=lexicon,
    )
    return load_voice(tmp_path / "voice.safetensors")


@pytest.mark.parametrize("predictor", ["stochastic", "deterministic"])
@pytest.mark.parametrize("speakers", [(), ("ann", "bob", "cy")], ids=["one speaker", "three speakers"])
def test_transformers_says_what_we_say_and_the_voice_comes_back_to_the_bit(
    tmp_path: Path, speakers: tuple[str, ...], predictor: str, caplog: pytest.LogCaptureFixture
) -> None:
    voice = voice_of(tmp_path, speakers=speakers, model={"duration_predictor": predictor}, lexicon='{"a": "b"}')
    files = export_hugging_face(voice, tmp_path / "theirs")
    assert all(file.is_file() for file in files)
    with caplog.at_level(logging.WARNING):
        both: Any = transformers.VitsModel.from_pretrained(tmp_path / "theirs", output_loading_info=True)
    theirs, loading = both
    assert not any(loading.values())
    assert not caplog.records
    theirs.noise_scale = theirs.noise_scale_duration = 0.0
    ids = torch.tensor([SymbolTable(WITH_ENDS).encode("abc də.").ids])
    expected, bound = exactly(theirs, lambda exact: exact(ids, **({"speaker_id": 1} if speakers else {})).waveform)
    who = torch.tensor([1]) if speakers else None
    said = voice.synthesizer.speak(ids, torch.tensor([ids.shape[1]]), who, noise_scale=0, duration_noise_scale=0)
    assert float(expected.std()) > QUIET
    assert_same(said.audio[:, 0], expected, bound=bound)

    back = load_voice_from(tmp_path / "theirs").voice
    ours, returned = voice.synthesizer.state_dict(), back.synthesizer.state_dict()
    assert ours.keys() == returned.keys()
    assert all(torch.equal(weight, returned[name]) for name, weight in ours.items())
    assert (back.symbols, back.speakers, back.step, back.lexicon) == (voice.symbols, speakers, 12, '{"a": "b"}')
    assert (back.config.audio, back.config.decoder) == (voice.config.audio, voice.config.decoder)
    assert back.config.speaking.noise_scale == voice.config.speaking.noise_scale
    assert (back.config.data.language, back.config.data.front_end) == ("en-us", "espeak")


def test_the_posterior_encoder_of_a_single_voice_crosses_where_it_is_there(tmp_path: Path) -> None:
    voice = voice_of(tmp_path, whole=True)
    export_hugging_face(voice, tmp_path / "theirs")
    returned = load_voice_from(tmp_path / "theirs").voice.synthesizer.state_dict()
    ours = voice.synthesizer.state_dict()
    assert any(name.startswith("posterior_encoder.") for name in ours)
    assert ours.keys() == returned.keys()
    assert all(torch.equal(weight, returned[name]) for name, weight in ours.items())


def test_one_of_zeros_stands_for_a_missing_posterior_encoder_and_has_no_nan_in_it(tmp_path: Path) -> None:
    voice = voice_of(tmp_path)
    export_hugging_face(voice, tmp_path / "theirs")
    theirs = transformers.VitsModel.from_pretrained(tmp_path / "theirs")
    with torch.no_grad():
        seen = theirs.posterior_encoder(torch.rand(1, 17, 9), torch.ones(1, 1, 9))
    assert torch.isfinite(seen[0]).all()
    assert not seen[1].any()
    assert any("cannot be trained further" in told for told in hugging_face_differences(voice))
    imported = load_voice_from(tmp_path / "theirs")
    assert not hasattr(imported.voice.synthesizer, "posterior_encoder")
    assert any("all zeros" in note for note in imported.report.notes)


def test_their_tokenizer_gives_the_ids_of_a_voice_without_start_and_end(tmp_path: Path) -> None:
    voice = voice_of(tmp_path, symbols=WITHOUT_ENDS)
    export_hugging_face(voice, tmp_path / "theirs")
    tokenizer = transformers.VitsTokenizer.from_pretrained(tmp_path / "theirs")
    table = SymbolTable(WITHOUT_ENDS)
    for text in ("abc", "a ˈbə, cd.", "aXYZb?"):
        assert tuple(tokenizer(text)["input_ids"]) == table.encode(text).ids
    assert not any("^" in told for told in hugging_face_differences(voice))


def test_with_start_and_end_their_ids_are_ours_between_two_pads_or_ours_where_the_pads_are_written(
    tmp_path: Path,
) -> None:
    voice = voice_of(tmp_path)
    export_hugging_face(voice, tmp_path / "theirs")
    tokenizer = transformers.VitsTokenizer.from_pretrained(tmp_path / "theirs")
    ours = SymbolTable(WITH_ENDS).encode("a ˈbə.").ids
    assert tuple(tokenizer("^a ˈbə.$")["input_ids"]) == (0, *ours, 0)
    tokenizer.add_blank = False
    assert tuple(tokenizer("^_a_ _ˈ_b_ə_._$")["input_ids"]) == ours
    assert any("one blank more at both ends" in told for told in hugging_face_differences(voice))


def test_the_pipeline_speaks_as_the_folder_says(tmp_path: Path) -> None:
    voice = voice_of(tmp_path, speakers=("ann", "bob"))
    export_hugging_face(voice, tmp_path / "theirs")
    speaks: Any = cast(Any, transformers.pipeline)("text-to-speech", model=str(tmp_path / "theirs"))
    speaks.model.noise_scale = speaks.model.noise_scale_duration = 0.0
    heard = [speaks("^abc.$", forward_params={"speaker_id": speaker}) for speaker in (0, 1)]
    assert [speech["sampling_rate"] for speech in heard] == [8000, 8000]
    ids = torch.tensor([(0, *SymbolTable(WITH_ENDS).encode("abc.").ids, 0)])
    for speaker, speech in enumerate(heard):
        speak = functools.partial(
            Synthesizer.speak,
            phoneme_ids=ids,
            phoneme_lengths=torch.tensor([ids.shape[1]]),
            speaker_ids=torch.tensor([speaker]),
            noise_scale=0,
            duration_noise_scale=0,
        )
        expected, bound = exactly(voice.synthesizer, lambda exact, speak=speak: speak(exact).audio)  # type: ignore[misc]
        assert_same(torch.as_tensor(speech["audio"]).flatten(), expected[0, 0], bound=bound)
    readme = (tmp_path / "theirs" / "README.md").read_text()
    for told in ('speak("^həlˈoʊ.$", forward_params={"speaker_id": 0})', "must be phonemes", "0 ann, 1 bob"):
        assert told in readme


def test_an_original_voice_goes_on_to_transformers(tmp_path: Path) -> None:
    voice = load_voice_from(write_original(tmp_path, original_synthesizer().state_dict())).voice
    export_hugging_face(voice, tmp_path / "theirs")
    theirs = transformers.VitsModel.from_pretrained(tmp_path / "theirs")
    theirs.noise_scale = theirs.noise_scale_duration = 0.0
    tokenizer = transformers.VitsTokenizer.from_pretrained(tmp_path / "theirs")
    ids = tokenizer("həlˈoʊ, wˈɜːld.", return_tensors="pt")["input_ids"]
    assert tuple(ids[0].tolist()) == SymbolTable.from_json(voice.symbols).encode("həlˈoʊ, wˈɜːld.").ids
    expected, bound = exactly(theirs, lambda exact: exact(ids).waveform)
    said = voice.synthesizer.speak(ids, torch.tensor([ids.shape[1]]), noise_scale=0, duration_noise_scale=0)
    assert_same(said.audio[:, 0], expected, bound=bound)


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        (
            {"decoder": {"residual_block": 2}},
            r"residual_block = 2: transformers knows HiFi-GAN .* export this voice to",
        ),
        ({"model": {"coupling_channels": 8}}, r"model\.coupling_channels = 8: in transformers the flow is as wide"),
        ({"model": {"duration_channels": 20}}, r"model\.duration_channels = 20: in transformers the stochastic"),
    ],
)
def test_what_transformers_has_not_is_refused_and_nothing_is_written(
    tmp_path: Path, sections: dict[str, Any], told: str
) -> None:
    voice = voice_of(tmp_path, **sections)
    with pytest.raises(InputError, match=told):
        export_hugging_face(voice, tmp_path / "theirs")
    assert not (tmp_path / "theirs").exists()
