"""Batches: clips side by side, unchanged."""

import dataclasses

import numpy as np
import torch

from data.batch import collate
from data.clips import Clip

HOP = 256


def clip(samples: int, phonemes: int, speaker: int = 0) -> Clip:
    random = np.random.default_rng(samples)
    audio = random.integers(-32768, 32768, samples, dtype=np.int16)
    return Clip(f"clip{samples}", f"text {samples}", random.integers(1, 100, phonemes), audio, speaker)


CLIPS = [clip(1000, 11, 2), clip(70000, 205), clip(2048, 3, 1)]


def test_clips_are_what_they_were_and_zeros_follow() -> None:
    batch = collate(CLIPS, hop_length=HOP, minimum_samples=8192, speakers=True)
    assert batch.audio_lengths.tolist() == [1000, 70000, 2048]
    assert batch.phoneme_lengths.tolist() == [11, 205, 3]
    for row, one in enumerate(CLIPS):
        assert np.array_equal(batch.audio[row, 0, : len(one.audio)].numpy() * 32768, one.audio)
        assert np.array_equal(batch.phoneme_ids[row, : len(one.phoneme_ids)].numpy(), one.phoneme_ids)
        assert not batch.audio[row, 0, len(one.audio) :].any()
        assert not batch.phoneme_ids[row, len(one.phoneme_ids) :].any()
    assert float(batch.audio.min()) >= -1.0
    assert float(batch.audio.max()) < 1.0


def test_the_padding_ends_on_a_frame_and_leaves_room_for_a_segment() -> None:
    for clips, minimum, expected in [
        (CLIPS, 8192, 70144),  # 274 frames
        (CLIPS[:1], 8192, 8192),
        (CLIPS[:1], 1, 1024),
        (CLIPS[2:], 1, 2048),
    ]:
        batch = collate(clips, hop_length=HOP, minimum_samples=minimum, speakers=False)
        assert batch.audio.shape == (len(clips), 1, expected)


def test_the_speakers_are_there_only_where_they_are_asked_for() -> None:
    with_speakers = collate(CLIPS, hop_length=HOP, minimum_samples=1, speakers=True)
    assert with_speakers.speaker_ids is not None
    assert with_speakers.speaker_ids.tolist() == [2, 0, 1]
    assert collate(CLIPS, hop_length=HOP, minimum_samples=1, speakers=False).speaker_ids is None


def test_to_moves_every_tensor_and_keeps_the_names() -> None:
    batch = collate(CLIPS, hop_length=HOP, minimum_samples=1, speakers=True)
    moved = batch.to("meta", non_blocking=True)
    for field in dataclasses.fields(moved):
        before, after = getattr(batch, field.name), getattr(moved, field.name)
        if isinstance(before, torch.Tensor):
            assert after.device.type == "meta"
            assert after.dtype == before.dtype
        else:
            assert after == before
    assert collate(CLIPS, hop_length=HOP, minimum_samples=1, speakers=False).to("meta").speaker_ids is None
