"""Batches: clips side by side, unchanged, wherever the recordings were held."""

import dataclasses

import numpy as np
import pytest
import torch

from configs import InputError
from data.batch import Batch, HeldAudio, collate
from data.clips import Clip

HOP = 256
CPU = torch.device("cpu")


def clip(samples: int, phonemes: int, speaker: int = 0) -> Clip:
    random = np.random.default_rng(samples)
    audio = random.integers(-32768, 32768, samples, dtype=np.int16)
    return Clip(f"clip{samples}", f"text {samples}", random.integers(1, 100, phonemes), audio, speaker)


CLIPS = [clip(1000, 11, 2), clip(70000, 205), clip(2048, 3, 1)]


def same(first: Batch, second: Batch) -> bool:
    """Whether two batches are equal to the bit."""
    pairs = [(getattr(first, field.name), getattr(second, field.name)) for field in dataclasses.fields(Batch)]
    return all(
        one.dtype == other.dtype and torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other
        for one, other in pairs
    )


def test_clips_are_what_they_were_and_zeros_follow() -> None:
    batch = collate(CLIPS, hop_length=HOP, minimum_samples=8192, speakers=True)
    assert batch.audio_lengths.tolist() == [1000, 70000, 2048]
    assert batch.phoneme_lengths.tolist() == [11, 205, 3]
    assert batch.audio.dtype == torch.float32
    for row, one in enumerate(CLIPS):
        exact = one.audio.astype(np.float64) / 32768
        assert np.array_equal(batch.audio[row, 0, : len(one.audio)].numpy().astype(np.float64), exact)
        assert np.array_equal(batch.phoneme_ids[row, : len(one.phoneme_ids)].numpy(), one.phoneme_ids)
        assert not batch.audio[row, 0, len(one.audio) :].any()
        assert not batch.phoneme_ids[row, len(one.phoneme_ids) :].any()
    assert float(batch.audio.min()) >= -1.0
    assert float(batch.audio.max()) < 1.0


def test_recordings_held_on_the_device_make_the_same_batch_to_the_bit() -> None:
    held = HeldAudio(CLIPS, CPU)
    for clips in (CLIPS, CLIPS[::-1], CLIPS[:1], [CLIPS[1], CLIPS[1]]):
        for minimum in (1, 8192):
            batches = [
                collate(clips, hop_length=HOP, minimum_samples=minimum, speakers=True, held=place)
                for place in (None, held)
            ]
            assert same(*batches)


def test_a_batch_is_no_window_into_the_recordings_that_are_held() -> None:
    held = HeldAudio(CLIPS, CPU)
    collate(CLIPS, hop_length=HOP, minimum_samples=1, speakers=False, held=held).audio.zero_()
    assert collate(CLIPS, hop_length=HOP, minimum_samples=1, speakers=False, held=held).audio.any()
    assert all(one.audio.any() for one in CLIPS)


def test_recordings_in_memory_that_cannot_be_written_to_make_a_batch_too(recwarn: pytest.WarningsRecorder) -> None:
    audio = CLIPS[0].audio.copy()
    audio.flags.writeable = False
    fixed = dataclasses.replace(CLIPS[0], audio=audio)
    expected = collate(CLIPS[:1], hop_length=HOP, minimum_samples=1, speakers=False)
    for held in (None, HeldAudio([fixed], CPU)):
        assert same(expected, collate([fixed], hop_length=HOP, minimum_samples=1, speakers=False, held=held))
    assert not recwarn.list


def test_a_device_without_room_for_the_recordings_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(torch, "empty", full)
    with pytest.raises(InputError, match=r"cpu has no room for 0\.0 GiB of recordings: set data\.hold=memory"):
        HeldAudio(CLIPS, CPU)


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


def test_every_tensor_is_on_the_device_and_has_the_type_it_has_elsewhere() -> None:
    batches = [collate(CLIPS, hop_length=HOP, minimum_samples=1, speakers=True, device=at) for at in ("cpu", "meta")]
    for field in dataclasses.fields(Batch):
        here, there = (getattr(batch, field.name) for batch in batches)
        if isinstance(here, torch.Tensor):
            assert there.device.type == "meta"
            assert (there.dtype, there.shape) == (here.dtype, here.shape)
        else:
            assert there == here


def test_with_bounds_batches_have_few_shapes_and_the_same_clips_in_them() -> None:
    clips = [clip(700, 5), clip(900, 33)]
    usual, bounded = (
        collate(clips, hop_length=HOP, minimum_samples=HOP, speakers=False, frame_bounds=bounds)
        for bounds in ((), (2, 6, 10))
    )
    assert usual.audio.shape[2] == 4 * 256
    assert bounded.audio.shape[2] == 6 * 256
    assert bounded.phoneme_ids.shape[1] == 64
    assert torch.equal(bounded.audio[..., : 4 * 256], usual.audio)
    assert torch.equal(bounded.phoneme_ids[:, :33], usual.phoneme_ids)
    assert int(bounded.audio[..., 4 * 256 :].abs().sum()) == int(bounded.phoneme_ids[:, 33:].sum()) == 0
    assert torch.equal(bounded.audio_lengths, usual.audio_lengths)


def test_a_batch_beyond_all_bounds_is_as_long_as_its_longest_clip() -> None:
    batch = collate([clip(3000, 5)], hop_length=HOP, minimum_samples=HOP, speakers=False, frame_bounds=(2, 6))
    assert batch.audio.shape[2] == 12 * 256
