"""A checkpoint of the original VITS, or of Piper, sounds here as it does in the implementation it comes from."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from configs import InputError
from tests.rounding import assert_same, exactly
from tests.voices.importing.foreign_files import (
    original_audio,
    original_synthesizer,
    some_ids,
    write_original,
    write_piper,
)
from text import SymbolTable
from voices.importing.alphabet import published_ids, settle_alphabet
from voices.importing.report import Fate
from voices.importing.sources import load_voice_from

QUIET = 0.01


@pytest.mark.parametrize("block", [1, 2])
@pytest.mark.parametrize("stochastic", [True, False], ids=["stochastic", "deterministic"])
@pytest.mark.parametrize("speakers", [1, 3])
def test_an_original_checkpoint_sounds_as_in_the_original_implementation(
    tmp_path: Path, speakers: int, stochastic: bool, block: int
) -> None:
    theirs = original_synthesizer(speakers=speakers, stochastic=stochastic, block=block)
    imported = load_voice_from(write_original(tmp_path, theirs.state_dict(), block=block))
    speaker = 2 if speakers > 1 else None
    expected, bound = exactly(theirs, lambda exact: original_audio(exact, some_ids(), speaker))
    said = imported.voice.synthesizer.speak(
        some_ids(),
        torch.tensor([11]),
        None if speaker is None else torch.tensor([speaker]),
        noise_scale=0,
        duration_noise_scale=0,
    )
    assert float(expected.std()) > QUIET
    assert_same(said.audio, expected, bound=bound)
    assert imported.voice.step == 7
    assert imported.voice.speakers == (("0", "1", "2") if speakers > 1 else ())
    assert imported.report.count(Fate.COPIED) == len(imported.report.lines)


def test_a_voice_is_converted_as_in_the_original_implementation(tmp_path: Path) -> None:
    theirs = original_synthesizer(speakers=3)
    ours = load_voice_from(write_original(tmp_path, theirs.state_dict(), speakers=["a", "b", "c"])).voice
    assert ours.speakers == ("a", "b", "c")
    spectrogram, length = torch.rand(1, 17, 23), torch.tensor([23])
    one, two = torch.tensor([1]), torch.tensor([2])

    def converted(synthesizer: Any, spectrogram: Tensor) -> Tensor:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(4)
            audio: Tensor = synthesizer.voice_conversion(spectrogram, length, one, two)[0]
        return audio

    expected = converted(theirs, spectrogram)
    _, bound = exactly(theirs, lambda exact: converted(exact, spectrogram.double()))  # with other noise
    noise = torch.Generator().manual_seed(4)
    said = ours.synthesizer.reconstruct(spectrogram, length, one, two, noise_scale=1.0, generator=noise)
    assert_same(said, expected, bound=2 * bound)


def test_a_piper_checkpoint_with_a_path_inside_sounds_as_in_pipers_trainer(tmp_path: Path) -> None:
    theirs = original_synthesizer(symbols=20, speakers=2, block=2)
    extra = {"discriminators.0.convs.0.bias": torch.zeros(2)}
    imported = load_voice_from(write_piper(tmp_path, theirs.state_dict(), discriminators=extra))
    voice, ids = imported.voice, some_ids(20)
    said = voice.synthesizer.speak(ids, torch.tensor([11]), torch.tensor([1]), noise_scale=0, duration_noise_scale=0)
    expected, bound = exactly(theirs, lambda exact: original_audio(exact, ids, 1))
    assert_same(said.audio, expected, bound=bound)
    assert voice.speakers == ("ann", "bob")
    assert (voice.config.data.language, voice.config.data.front_end) == ("nl", "espeak")
    speaking = voice.config.speaking
    assert (speaking.noise_scale, speaking.speed, speaking.duration_noise_scale) == (0.5, 0.5, 0.3)
    assert SymbolTable.from_json(voice.symbols).encode("ab").ids == (1, 0, 4, 0, 5, 0, 2)
    assert imported.report.count(Fate.SKIPPED) == 1
    assert any("aɪ" in note for note in imported.report.notes)
    assert imported.discriminators is None


def test_half_precision_weights_are_read_as_the_numbers_they_are(tmp_path: Path) -> None:
    theirs = original_synthesizer()
    halves = {name: tensor.half() for name, tensor in theirs.state_dict().items()}
    theirs.load_state_dict({name: tensor.float() for name, tensor in halves.items()})
    voice = load_voice_from(write_original(tmp_path, halves)).voice
    said = voice.synthesizer.speak(some_ids(), torch.tensor([11]), noise_scale=0, duration_noise_scale=0)
    expected, bound = exactly(theirs, lambda exact: original_audio(exact, some_ids()))
    assert_same(said.audio, expected, bound=bound)


def test_without_its_settings_a_voice_is_taken_for_the_published_kind_and_says_so(tmp_path: Path) -> None:
    theirs = original_synthesizer()
    path = write_original(tmp_path, theirs.state_dict())
    (tmp_path / "config.json").unlink()
    imported = load_voice_from(path)
    said = imported.voice.synthesizer.speak(some_ids(), torch.tensor([11]), noise_scale=0, duration_noise_scale=0)
    expected, bound = exactly(theirs, lambda exact: original_audio(exact, some_ids()))
    assert_same(said.audio, expected, bound=bound)
    notes = " ".join(imported.report.notes)
    for told in ("22050 Hz", "upsampling rates are taken to be half of the kernels: [4, 2]", "[[1, 3, 5], [1, 3, 5]]"):
        assert told in notes


def test_a_voice_without_posterior_encoder_speaks_and_has_none(tmp_path: Path) -> None:
    theirs = original_synthesizer()
    tensors = {name: tensor for name, tensor in theirs.state_dict().items() if not name.startswith("enc_q.")}
    voice = load_voice_from(write_original(tmp_path, tensors)).voice
    assert not hasattr(voice.synthesizer, "posterior_encoder")
    said = voice.synthesizer.speak(some_ids(), torch.tensor([11]), noise_scale=0, duration_noise_scale=0)
    expected, bound = exactly(theirs, lambda exact: original_audio(exact, some_ids()))
    assert_same(said.audio, expected, bound=bound)


def test_a_folder_of_checkpoints_gives_the_newest(tmp_path: Path) -> None:
    path = write_original(tmp_path, original_synthesizer().state_dict())
    state = torch.load(path, weights_only=True)
    torch.save({**state, "iteration": 10}, tmp_path / "G_10.pth")
    assert load_voice_from(tmp_path).voice.step == 10


def test_the_published_alphabet_has_178_places_and_the_later_apostrophe_counts() -> None:
    ids = published_ids()
    # Places that published voices fix: blank, first mark, space, first capital, first small letter, the two ends of the
    # phonemes, and the apostrophe's second one.
    places = {"_": 0, ";": 1, " ": 16, "A": 17, "a": 43, "ɑ": 69, "ˈ": 156, "ː": 158, "̩": 175, "'": 176, "ᵻ": 177}
    assert {symbol: ids[symbol] for symbol in places} == places
    alphabet = settle_alphabet(ids, rows=178, source="x")
    table = SymbolTable.from_json(alphabet.symbols)
    assert table.encode("ha").ids == (0, ids["h"], 0, ids["a"], 0)
    assert alphabet.rows == tuple(range(178))


def test_letters_that_share_a_row_with_the_blank_or_another_get_rows_of_their_own() -> None:
    theirs = {"k": 0, "a": 1, "_": 2, "^": 3, "<unk>": 4, "b": 1}
    alphabet = settle_alphabet(theirs, rows=5, source="x")
    table = SymbolTable.from_json(alphabet.symbols)
    rows_of_ids = [alphabet.rows[index] for index in table.encode("kab").ids]
    assert rows_of_ids == [0, 0, 0, 1, 0, 1, 0]
    assert table.encode("_^").symbols == ()
    assert "<unk> ^ _" in alphabet.notes[0]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"data": {"add_blank": False}}, "add_blank is false"),
        ({"model": {"upsample_rates": [8]}}, r"decoder\.upsample_rates has 1 entries"),
        ({"model": {"upsample_rates": "4,2"}}, "are no numbers"),
        ({"data": {"sampling_rate": "8000"}}, r"audio\.sample_rate = '8000'"),
        ({"data": {"hop_length": 16}}, r"audio\.hop_length is 16"),
        ({"symbols": ["_", "a", "bc"]}, ""),
        ({"symbols": ["_", "a"], "data": {"text_cleaners": 5}}, ""),
        ({"symbols": list(map(chr, range(300)))}, "the embedding has 178 rows: it is the symbol table of another"),
    ],
)
def test_settings_that_do_not_fit_are_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    path = write_original(tmp_path, original_synthesizer().state_dict(), **changes)
    if not told:
        assert json.loads(load_voice_from(path).voice.symbols) == {"_": 0, "a": 1}
        return
    with pytest.raises(InputError, match=told):
        load_voice_from(path)


def test_another_alphabet_without_its_symbols_is_refused(tmp_path: Path) -> None:
    path = write_original(tmp_path, original_synthesizer(symbols=60).state_dict())
    with pytest.raises(InputError, match=r'60 symbols, and the published alphabet 178: .*"symbols"'):
        load_voice_from(path)


def test_a_piper_checkpoint_without_its_settings_is_refused_and_takes_those_it_is_given(tmp_path: Path) -> None:
    path = write_piper(tmp_path / "there", original_synthesizer(symbols=20, block=2).state_dict())
    settings = tmp_path / "elsewhere.json"
    (tmp_path / "there" / "config.json").rename(settings)
    with pytest.raises(InputError, match="none with a phoneme_id_map near: put it beside the checkpoint"):
        load_voice_from(path)
    assert load_voice_from(path, settings=settings).voice.config.data.language == "nl"


def test_a_voice_of_another_architecture_is_refused_and_not_spoken_wrongly(tmp_path: Path) -> None:
    tensors = original_synthesizer().state_dict()
    more = {**tensors, "flow.flows.0.pre_transformer.norm.weight": torch.ones(3)}
    with pytest.raises(InputError, match=r"1 tensors that VITS has not, such as 'flow\.flows\.0\.pre_tr"):
        load_voice_from(write_original(tmp_path / "more", more))
    less = {name: tensor for name, tensor in tensors.items() if name != "dp.flows.3.proj.bias"}
    with pytest.raises(InputError, match=r"dp\.flows\.3\.proj\.bias is missing, and the shape \[29\] is needed"):
        load_voice_from(write_original(tmp_path / "less", less))
    tensors["dec.resblocks.0.convs1.0.weight_g"] = torch.ones(3)
    with pytest.raises(InputError, match=r"convs1\.0\.weight_g has the shape \[3\], and its direction \[.*damaged"):
        load_voice_from(write_original(tmp_path / "torn", tensors))
    tensors = original_synthesizer().state_dict()
    tensors["enc_p.proj.bias"] = tensors["enc_p.proj.bias"].long()
    with pytest.raises(InputError, match=r"enc_p\.proj\.bias has the shape \[16\] \(torch\.int64\), and the shape"):
        load_voice_from(write_original(tmp_path / "whole", tensors))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["dp.pre.bias", "dec.ups.0.weight_g", "dec.ups.0.weight_v"])
def test_a_checkpoint_whose_training_had_broken_is_refused(tmp_path: Path, name: str, value: float) -> None:
    tensors = original_synthesizer().state_dict()
    tensors[name].view(-1)[0] = value
    with pytest.raises(InputError, match=r"G_7\.pth: \w+\S* is NaN or infinite: its training diverged"):
        load_voice_from(write_original(tmp_path, tensors))
