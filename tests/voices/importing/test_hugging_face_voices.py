"""A folder of transformers sounds here as it does there, from the same text where its tokenizer needs no phonemes."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from configs import InputError
from tests.rounding import assert_same, exactly
from tests.voices.random_voice import randomised
from text import SymbolTable, TextFrontEnd
from voices.importing.report import Fate
from voices.importing.sources import load_voice_from

QUIET, LOUD = 0.01, 0.7
# As in the voices of MMS: the blank is a letter, too, and the underscore an ordinary symbol.
VOCABULARY = {"k": 0, "a": 1, " ": 2, "_": 3, "é": 4, "t": 5, "'": 6, "^": 7}


def write_theirs(folder: Path, *, speakers: int = 1, stochastic: bool = True, **tokenizer: Any) -> Any:
    """A small model of theirs with random weights, saved by themselves."""
    config = transformers.VitsConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        window_size=3,
        ffn_dim=24,
        flow_size=8,
        spectrogram_bins=17,
        use_stochastic_duration_prediction=stochastic,
        duration_predictor_filter_channels=20,
        num_speakers=speakers,
        speaker_embedding_size=6 if speakers > 1 else 0,
        upsample_initial_channel=16,
        upsample_rates=[4, 2],
        upsample_kernel_sizes=[8, 4],
        resblock_kernel_sizes=[3, 5],
        resblock_dilation_sizes=[[1, 2], [1, 3]],
        posterior_encoder_num_wavenet_layers=3,
        sampling_rate=8000,
        noise_scale=0.25,
        speaking_rate=2.0,
    )
    model: Any = randomised(lambda: transformers.VitsModel(config))
    model.decoder.conv_post.weight.data.mul_(0.02)  # theirs begin loud, and a clipped waveform would prove little
    model.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(VOCABULARY))
    settings = {"tokenizer_class": "VitsTokenizer", "pad_token": "k", "phonemize": False, "language": "eng"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | tokenizer))
    model.noise_scale = model.noise_scale_duration = 0.0
    return model


@pytest.mark.parametrize("stochastic", [True, False], ids=["stochastic", "deterministic"])
@pytest.mark.parametrize("speakers", [1, 3])
def test_a_text_sounds_as_in_transformers(tmp_path: Path, speakers: int, stochastic: bool) -> None:
    theirs = write_theirs(tmp_path, speakers=speakers, stochastic=stochastic)
    imported = load_voice_from(tmp_path)
    voice, data = imported.voice, imported.voice.config.data
    assert (data.front_end, data.language) == ("graphemes", "en-us")
    symbols = SymbolTable.from_json(voice.symbols)
    (sentence,) = TextFrontEnd(kind=data.front_end, language=data.language, symbols=symbols).sentences("Tét a'tá")
    there = transformers.VitsTokenizer.from_pretrained(tmp_path)("Tét a'tá", return_tensors="pt")["input_ids"]
    who = {"speaker_id": 2} if speakers > 1 else {}
    expected, bound = exactly(theirs, lambda exact: exact(there, **who).waveform)
    said = voice.synthesizer.speak(
        torch.tensor([sentence.ids]),
        torch.tensor([len(sentence.ids)]),
        torch.tensor([2]) if speakers > 1 else None,
        noise_scale=0,
        duration_noise_scale=0,
        speed=voice.config.speaking.speed,
    )
    assert QUIET < float(expected.std()) < LOUD
    assert_same(said.audio[:, 0], expected, bound=bound)
    assert (voice.config.speaking.noise_scale, voice.config.speaking.speed) == (0.25, 2.0)
    assert voice.config.audio.sample_rate == 8000


def test_the_letter_that_is_the_blank_too_is_read_as_the_voice_was_trained(tmp_path: Path) -> None:
    theirs = write_theirs(tmp_path)
    imported = load_voice_from(tmp_path)
    ids = SymbolTable.from_json(imported.voice.symbols).encode("kat").ids
    # Trained with a blank beside every letter. (Their tokenizer takes this one for padding, and puts none beside it.)
    trained = torch.tensor([[0, VOCABULARY["k"], 0, VOCABULARY["a"], 0, VOCABULARY["t"], 0]])
    expected, bound = exactly(theirs, lambda exact: exact(trained, speaking_rate=1.0).waveform)
    synthesizer = imported.voice.synthesizer
    said = synthesizer.speak(torch.tensor([ids]), torch.tensor([7]), noise_scale=0, duration_noise_scale=0)
    assert_same(said.audio[:, 0], expected, bound=bound)
    (resized,) = (line for line in imported.report.lines if line.fate is Fate.RESIZED)
    assert resized.shape == (9, 16)


def test_a_tokenizer_that_phonemises_is_a_voice_of_phonemes(tmp_path: Path) -> None:
    write_theirs(tmp_path, phonemize=True)
    data = load_voice_from(tmp_path).voice.config.data
    assert (data.front_end, data.language) == ("espeak", "en-us")


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        ("config.json", {"wavenet_dilation_rate": 2}, "wavenet_dilation_rate is 2; only 1 is supported"),
        ("config.json", {"upsample_rates": [4, 4, 2]}, "decoder.upsample_rates has 3 entries"),
        ("tokenizer_config.json", {"add_blank": False}, "trained without blanks"),
        ("vocab.json", {"b": 8}, "gives the symbol 'b' the id 8, but the embedding has 8 rows"),
        ("vocab.json", {"b": "1"}, "gives the symbol 'b' the id '1'"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_reason(
    tmp_path: Path, file: str, change: dict[str, Any], told: str
) -> None:
    write_theirs(tmp_path)
    (tmp_path / file).write_text(json.dumps(json.loads((tmp_path / file).read_text()) | change))
    with pytest.raises(InputError, match=told):
        load_voice_from(tmp_path)


def test_a_folder_without_safetensors_says_how_to_get_them(tmp_path: Path) -> None:
    write_theirs(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"pytorch_model\.bin alone is saved anew by transformers"):
        load_voice_from(tmp_path)
