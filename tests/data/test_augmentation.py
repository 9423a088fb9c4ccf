"""A clip's level and speed are drawn anew in each epoch, from the seed, the epoch and the clip alone."""

import numpy as np
import pytest

from configs import DataSettings, InputError, parse_config
from data.augmentation import Augmentation, AugmentedClips
from data.clips import Clip
from data.prefetcher import clip_source, endless

RATE = 22050


def tone(
    name: str = "a", *, hz: float = 441.0, amplitude: float = 0.25, seconds: float = 2.0, phonemes: int = 9
) -> Clip:
    wave = amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)
    return Clip(name, "text", np.arange(phonemes), np.rint(wave * 32768).astype(np.int16), 0)


def frequency(audio: np.ndarray) -> float:
    """Of a tone, in hertz, by its zero crossings."""
    rising = np.flatnonzero((audio[:-1] < 0) & (audio[1:] >= 0))
    return (len(rising) - 1) / (rising[-1] - rising[0]) * RATE


def test_a_tone_that_is_faster_is_shorter_and_higher_by_the_same_factor() -> None:
    augmentation, clip = Augmentation(0.0, 0.05, 256, 1), tone()
    factors = []
    for epoch in range(40):
        heard = augmentation(clip, epoch)
        factors.append(len(clip.audio) / len(heard.audio))
        assert frequency(heard.audio) == pytest.approx(441.0 * factors[-1], rel=1e-3)
        middle = heard.audio[4000:-4000].astype(np.float64) / 32768
        assert np.sqrt((middle**2).mean()) == pytest.approx(0.25 / np.sqrt(2), rel=5e-3)
        assert (heard.id, heard.text, heard.speaker_id) == (clip.id, clip.text, clip.speaker_id)
        assert heard.phoneme_ids is clip.phoneme_ids
    assert 0.95 <= min(factors) < 0.96
    assert 1.04 < max(factors) <= 1.0501


def test_levels_are_uniform_in_decibels_and_nothing_is_clipped() -> None:
    augmentation = Augmentation(6.0, 0.0, 256, 1)
    quiet = [np.abs(augmentation(tone(), epoch).audio).max() / 8192 for epoch in range(200)]
    decibels = 20 * np.log10(quiet)
    assert -6.01 < decibels.min() < -5.5
    assert 5.5 < decibels.max() < 6.01
    assert abs(decibels.mean()) < 0.75  # the mean of 200 has a standard deviation of 0.25
    wave = tone(amplitude=0.9).audio.astype(float)
    loud = [augmentation(tone(amplitude=0.9), epoch).audio for epoch in range(50)]
    peaks = np.array([np.abs(each.astype(int)).max() for each in loud])
    assert peaks.max() == 32767
    assert (peaks < 0.9 * 32768).any()
    for audio, peak in zip(loud, peaks, strict=True):
        assert np.abs(audio - wave * (peak / wave.max())).max() < 1.5  # rounded twice
    full = Clip("full", "", np.arange(3), np.array([-32768, 32767] * 500, dtype=np.int16), 0)
    silent = Clip("silent", "", np.arange(3), np.zeros(1000, dtype=np.int16), 0)
    for epoch in range(20):
        assert set(np.sign(augmentation(full, epoch).audio[::2])) == {-1}
        assert not augmentation(silent, epoch).audio.any()


def test_what_is_drawn_follows_from_seed_epoch_and_clip_and_not_from_the_order() -> None:
    augmentation = Augmentation(6.0, 0.05, 256, 7)
    first = augmentation(tone("a"), 3).audio
    augmentation(tone("b"), 3)
    assert np.array_equal(augmentation(tone("a"), 3).audio, first)
    others = [
        augmentation(tone("a"), 4).audio,
        augmentation(tone("b"), 3).audio,
        Augmentation(6.0, 0.05, 256, 8)(tone("a"), 3).audio,
    ]
    assert len({audio.tobytes() for audio in (first, *others)}) == 4


def test_batches_from_the_midst_of_an_epoch_on_are_those_of_the_whole() -> None:
    clips = [tone(str(index), hz=300 + 20 * index, seconds=0.5) for index in range(7)]
    source = AugmentedClips(
        clip_source(clips, hop_length=256, bounds=(100,), batch_size=2, max_frames=None, seed=5),
        Augmentation(3.0, 0.03, 256, 5),
    )

    def heard(step: int, count: int) -> list[list[tuple[str, bytes]]]:
        batches = zip(endless(source, step), range(count), strict=False)
        return [[(clip.id, clip.audio.tobytes()) for clip in batch] for batch, _ in batches]

    whole = heard(0, 3 * len(source))
    assert heard(len(source) + 1, len(source)) == whole[len(source) + 1 : 2 * len(source) + 1]
    of_first = {audio for batch in whole for name, audio in batch if name == "0"}
    assert len(of_first) == 3


def test_a_clip_keeps_a_frame_for_each_phoneme_and_is_never_longer_than_its_longest() -> None:
    frames = 2 * RATE // 256
    tight, wide = tone(phonemes=frames), tone()
    augmentation = Augmentation(0.0, 0.1, 256, 3)
    lengths = [len(augmentation(tight, epoch).audio) for epoch in range(40)]
    assert min(lengths) == len(tight.audio)
    assert max(lengths) > len(tight.audio)
    longest = len(augmentation.longest(wide).audio)
    assert max(len(augmentation(wide, epoch).audio) for epoch in range(200)) <= longest
    assert longest <= len(wide.audio) / 0.9 + 2


def test_it_is_off_unless_asked_for_and_needs_clips_on_the_host() -> None:
    assert Augmentation.asked(DataSettings(root="x"), hop_length=256, seed=1) is None
    some = DataSettings(root="x", augment_level_db=3.0, augment_speed=0.02)
    assert Augmentation.asked(some, hop_length=256, seed=9) == Augmentation(3.0, 0.02, 256, 9)
    tree = {"run": {"dir": "r"}, "data": {"root": "x", "hold": "device", "augment_speed": 0.02}}
    with pytest.raises(
        InputError, match=r"data\.hold = 'device' holds recordings as they are, and data\.augment_speed"
    ):
        parse_config(tree, "s")
    for key, value in (("augment_speed", 0.5), ("augment_speed", -0.1), ("augment_level_db", 61.0)):
        with pytest.raises(InputError, match=rf"data\.{key} = {value}: input should be"):
            parse_config({"run": {"dir": "r"}, "data": {"root": "x", key: value}}, "s")
