"""The settings: frozen, with the paper's numbers as defaults, and sections that fit each other."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from configs import Config, HifiganSettings, InputError, parse_config
from configs.decoders import DECODER_FAMILIES
from configs.reference import field_docstrings


def build(**sections: dict[str, Any]) -> Config:
    tree = {"run": {"dir": "runs/x"}, "data": {"root": "corpus"}}
    for name, values in sections.items():
        tree[name] = tree.get(name, {}) | values
    return parse_config(tree, source="test")


def refusal(**sections: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        build(**sections)
    sentence = str(caught.value)
    assert sentence.startswith("test: ")
    assert "\n" not in sentence
    return sentence


def test_nothing_changes_after_loading() -> None:
    config = build()
    with pytest.raises(ValidationError):
        config.train.batch_size = 1  # type: ignore[misc]
    with pytest.raises(ValidationError):
        config.train = config.train  # type: ignore[misc]
    with pytest.raises(ValidationError):
        config.loss.mel = 0.0  # type: ignore[misc]
    assert isinstance(config.decoder, HifiganSettings)
    assert isinstance(config.decoder.upsample_rates, tuple)
    assert hash(config.data.bucket_frames) == hash(build().data.bucket_frames)


def test_what_follows_from_other_values_is_computed() -> None:
    config = build(audio={"sample_rate": 16000, "n_fft": 800, "window_length": 640, "hop_length": 256})
    assert config.audio.spectrogram_bins == 401
    assert config.audio.frames_per_second == 62.5
    assert config.segment_frames == 32


@pytest.mark.parametrize(
    ("sections", "keys"),
    [
        # 8 * 8 * 2 * 4 = 512 samples come out for each frame of 256.
        (
            {"decoder": {"upsample_rates": [8, 8, 2, 4], "upsample_kernel_sizes": [16, 16, 4, 8]}},
            ["decoder.upsample_rates", "512", "audio.hop_length", "256"],
        ),
        ({"audio": {"hop_length": 200}}, ["decoder.upsample_rates", "audio.hop_length", "200"]),
        ({"decoder": {"upsample_kernel_sizes": [16, 16, 4]}}, ["decoder.upsample_kernel_sizes", "3", "4"]),
        ({"decoder": {"upsample_kernel_sizes": [16, 16, 4, 5]}}, ["decoder.upsample_kernel_sizes", "5"]),
        ({"decoder": {"upsample_kernel_sizes": [16, 6, 4, 4]}}, ["decoder.upsample_kernel_sizes", "6"]),
        ({"decoder": {"residual_kernel_sizes": [3, 7]}}, ["decoder.residual_kernel_sizes", "2", "3"]),
        ({"decoder": {"residual_kernel_sizes": [3, 7, 8]}}, ["decoder.residual_kernel_sizes", "8"]),
        ({"decoder": {"initial_channels": 24}}, ["decoder.initial_channels", "24"]),
        # 320 frames of 256 samples do not fit into a bucket of 300.
        ({"train": {"segment_samples": 81920}}, ["train.segment_samples", "320", "300", "data.bucket_frames"]),
        ({"data": {"bucket_frames": [31, 40]}}, ["train.segment_samples", "32", "31", "data.bucket_frames"]),
        ({"data": {"bucket_frames": [300, 300]}}, ["data.bucket_frames", "300"]),
        ({"data": {"bucket_frames": [400, 300]}}, ["data.bucket_frames", "400"]),
        ({"train": {"segment_samples": 8193}}, ["train.segment_samples", "8193", "audio.hop_length"]),
        ({"train": {"segment_samples": 768}}, ["train.segment_samples", "768", "audio.n_fft"]),
        ({"audio": {"window_length": 2048}}, ["audio.window_length", "2048", "audio.n_fft", "1024"]),
        ({"audio": {"n_fft": 1025}}, ["audio.n_fft", "audio.hop_length"]),
        ({"audio": {"fmax_hz": 11026.0}}, ["11026", "11025"]),
        ({"audio": {"fmin_hz": 8000.0, "fmax_hz": 8000.0}}, ["8000"]),
        ({"audio": {"fmax_hz": 1e-300}}, ["1e-300", "bin"]),
        ({"data": {"shortest_seconds": 3.0, "longest_seconds": 2.0}}, ["data.shortest_seconds", "3", "2"]),
        ({"data": {"characters_per_second": [9.0, 8.0]}}, ["data.characters_per_second", "9", "8"]),
        ({"model": {"text_kernel_size": 4}}, ["[model]", "odd"]),
        ({"model": {"duration_kernel_size": 2}}, ["[model]", "odd"]),
        ({"model": {"attention_heads": 5}}, ["model.hidden_channels", "192", "5"]),
        ({"model": {"latent_channels": 191}}, ["model.latent_channels", "191"]),
        ({"train": {"learning_rate": 2.0, "weight_decay": 0.5}}, ["train.learning_rate", "2", "weight_decay", "0.5"]),
    ],
)
def test_sections_that_do_not_fit_are_refused_with_keys_and_values(
    sections: dict[str, dict[str, Any]], keys: list[str]
) -> None:
    sentence = refusal(**sections)
    for key in keys:
        assert key in sentence


@pytest.mark.parametrize(
    "sections",
    [
        {"decoder": {"upsample_rates": [16, 16], "upsample_kernel_sizes": [32, 32]}},
        {"decoder": {"upsample_rates": [8, 8, 4], "upsample_kernel_sizes": [16, 16, 4]}},
        {"data": {"bucket_frames": [32]}},
        {"audio": {"fmax_hz": 11025.0}},
        {"data": {"characters_per_second": [0.0, 8.0]}},
        {"discriminator": {"scales": 0}},
        {"train": {"learning_rate": 1.9, "weight_decay": 0.5}},
    ],
)
def test_what_just_fits_is_accepted(sections: dict[str, dict[str, Any]]) -> None:
    built = build(**sections).model_dump(mode="json")
    for section, values in sections.items():
        assert {name: built[section][name] for name in values} == values


def test_every_field_says_what_it_is() -> None:
    sections = [field.annotation for name, field in Config.model_fields.items() if name != "decoder"]
    silent = [
        f"{section}.{name}"
        for section in (*sections, *DECODER_FAMILIES)
        for name in section.model_fields  # type: ignore[union-attr]
        if not field_docstrings(section).get(name)  # type: ignore[arg-type]
    ]
    assert silent == []


@pytest.mark.parametrize("value", [1e300, 1e30, 1e10, math.inf, math.nan, -1.0])
@pytest.mark.parametrize(
    "key", ["train.learning_rate", "train.weight_decay", "train.adam_epsilon", "loss.mel", "loss.feature_matching"]
)
def test_numbers_that_would_overflow_weights_are_refused_with_their_key(key: str, value: float) -> None:
    section, _, name = key.partition(".")
    assert key in refusal(**{section: {name: value}})


@pytest.mark.parametrize(
    ("key", "value"),
    [("speed", 1e-300), ("speed", 0.04), ("speed", 21.0), ("noise_scale", 11.0), ("pause_seconds", 61.0)],
)
def test_a_manner_that_no_voice_can_be_told_to_speak_in_is_refused(key: str, value: float) -> None:
    assert f"speaking.{key}" in refusal(speaking={key: value})


@pytest.mark.parametrize("value", [0, 1, 2, 999])
def test_a_sample_rate_at_which_nothing_has_a_loudness_is_refused(value: int) -> None:
    assert f"audio.sample_rate = {value}" in refusal(audio={"sample_rate": value})


@pytest.mark.parametrize("value", [0.0, 1e-300, 1e-30])
def test_an_epsilon_that_is_nothing_to_float32_is_refused(value: float) -> None:
    assert "train.adam_epsilon" in refusal(train={"adam_epsilon": value})
