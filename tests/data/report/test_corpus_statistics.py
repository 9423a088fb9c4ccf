"""Figures of a corpus, against pencil arithmetic; and what is said of them."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest

from data.preparation import Preparation, PreparedClip
from data.report.observations import observations
from data.report.statistics import ClipValue, SameText, SpeakerShare, describe
from text.inventories import INVENTORIES

ClipMaker = Callable[..., PreparedClip]
PreparationMaker = Callable[..., Preparation]


def _said(preparation: Preparation) -> str:
    return "\n".join(observations(preparation, describe(preparation)))


def test_lengths_are_described_as_by_pencil(make_clip: ClipMaker, make_preparation: PreparationMaker) -> None:
    clips = [make_clip(line, seconds=seconds) for line, seconds in enumerate((4.0, 1.0, 2.0, 3.0, 10.0), start=1)]
    statistics = describe(make_preparation(clips))
    seconds = statistics.seconds
    assert seconds is not None
    assert (seconds.count, seconds.minimum, seconds.median, seconds.maximum) == (5, 1.0, 3.0, 10.0)
    # The 5th percentile of five values lies at index 0.2, the 95th at 3.8.
    assert (seconds.p05, seconds.p25, seconds.p75, seconds.p95) == pytest.approx((1.2, 2.0, 4.0, 8.8))
    assert seconds.mad == 1.0  # of 1, 2, 1, 0, 7
    assert statistics.hours == pytest.approx(20 / 3600)


def test_what_was_not_measured_is_left_out(make_clip: ClipMaker, make_preparation: PreparationMaker) -> None:
    clips = [
        make_clip(1, loudness_lufs=None, snr_db=math.inf),
        make_clip(2, loudness_lufs=-20.0, snr_db=30.0),
        make_clip(3, loudness_lufs=math.nan, snr_db=32.0),
    ]
    statistics = describe(make_preparation(clips))
    assert statistics.loudness_lufs is not None
    assert statistics.snr_db is not None
    assert (statistics.loudness_lufs.count, statistics.loudness_lufs.median) == (1, -20.0)
    assert (statistics.snr_db.count, statistics.snr_db.maximum) == (2, 32.0)
    json.dumps(asdict(statistics), allow_nan=False)


def test_an_unusual_pace_is_one_that_is_unusual_for_its_speaker(
    make_clip: ClipMaker, make_preparation: PreparationMaker
) -> None:
    slow = [make_clip(line, "x" * (100 + line % 3), seconds=10, speaker="slow") for line in range(1, 13)]
    fast = [make_clip(line, "x" * (200 + line % 3), seconds=10, speaker="fast") for line in range(13, 25)]
    # 20 characters per second are usual for one and not for the other, whose median is 10.1 with a MAD of 0.1: at
    # 0.6745 a MAD, 10.9 scores 5.4 and 10.6 scores 3.4.
    odd = [
        make_clip(30, "x" * 200, seconds=10, speaker="slow"),
        make_clip(31, "x" * 109, seconds=10, speaker="slow"),
        make_clip(32, "x" * 106, seconds=10, speaker="slow"),
    ]
    outliers = describe(make_preparation([*slow, *fast, *odd])).character_rate_outliers
    assert outliers == (ClipValue("c30", 30, 20.0), ClipValue("c31", 31, 10.9))


def test_a_recording_with_much_silence_is_named_unless_it_is_trimmed(
    make_clip: ClipMaker, make_preparation: PreparationMaker
) -> None:
    clips = [make_clip(1), make_clip(2, trailing_silence_seconds=1.5), make_clip(3, leading_silence_seconds=3.0)]
    assert describe(make_preparation(clips)).much_silence == (ClipValue("c3", 3, 3.0), ClipValue("c2", 2, 1.5))
    assert "2 recordings are silent for more than 1 s at the beginning or the end: c3 (3.0 s), c2 (1.5 s)" in _said(
        make_preparation(clips)
    )
    assert describe(make_preparation(clips, trim_silence=True)).much_silence == ()


def test_the_same_audio_and_the_same_text_are_found_in_groups(
    make_clip: ClipMaker, make_preparation: PreparationMaker
) -> None:
    preparation = make_preparation(
        [
            make_clip(1, "Good morning.", digest="a", speaker="Ada"),
            make_clip(2, "good  morning.", digest="b", speaker="Ada"),
            make_clip(3, "Good morning.", digest="c", speaker="Bo"),  # another speaker may say the same
            make_clip(4, "One.", digest="a", speaker="Bo"),
            make_clip(5, "Two.", digest="a", speaker="Bo"),
        ]
    )
    statistics = describe(preparation)
    assert statistics.same_audio == (("c1", "c4", "c5"),)
    assert statistics.same_text == (SameText("Good morning.", "Ada", ("c1", "c2")),)
    assert "1 group of recordings holds the same audio: c1 = c4 = c5." in _said(preparation)
    assert "1 text is spoken more than once by one speaker: 'Good morning.' (c1, c2)." in _said(preparation)


def test_long_ids_are_cut_in_a_sentence(make_clip: ClipMaker, make_preparation: PreparationMaker) -> None:
    clips = [make_clip(line, "Good morning.", digest=str(line)) for line in (1, 2)]
    long = [replace(clip, recording=replace(clip.recording, id=clip.recording.id + "x" * 240)) for clip in clips]
    (said,) = [line for line in _said(make_preparation(long)).split("\n") if "more than once" in line]
    assert "(c1xxx" in said
    assert "x" * 61 not in said


def test_coverage_is_the_share_of_the_language_s_letters(
    make_clip: ClipMaker, make_preparation: PreparationMaker
) -> None:
    letters = INVENTORIES["nl"]
    speech = letters.replace("ɲ", "").replace("ʒ", "") * 10 + "ˈ̩" + "!"
    preparation = make_preparation([make_clip(1, speech=speech)], language="nl")
    coverage = describe(preparation).phonemes
    assert coverage is not None
    assert coverage.missing == ("ɲ", "ʒ")
    assert coverage.share == pytest.approx((len(letters) - 2) / len(letters))
    said = _said(preparation)
    assert "ɲ ʒ do not occur, although nl has them: the voice cannot learn to say them." in said
    assert "ˈ ◌̩ ! occur only once" in said


def test_letters_and_other_languages_have_no_coverage(make_clip: ClipMaker, make_preparation: PreparationMaker) -> None:
    spelled = make_preparation([make_clip(1)], front_end="graphemes")
    finnish = make_preparation([make_clip(1)], language="fi")
    assert describe(spelled).phonemes is None
    assert describe(finnish).phonemes is None
    assert "no inventory" not in _said(spelled)
    assert "there is no inventory of the phonemes of 'fi'" in _said(finnish)


def test_a_speaker_with_little_is_named(make_clip: ClipMaker, make_preparation: PreparationMaker) -> None:
    clips = [make_clip(line, seconds=60, speaker="Ada") for line in range(1, 10)]
    preparation = make_preparation(
        [*clips, make_clip(10, seconds=60, speaker="Bo"), make_clip(11, seconds=60, speaker="Bo")]
    )
    assert describe(preparation).speakers == (SpeakerShare("Ada", 9, 9.0), SpeakerShare("Bo", 2, 2.0))
    assert "equal share" not in _said(preparation)  # 2 of 5.5 minutes
    preparation = make_preparation([*clips, make_clip(10, seconds=60, speaker="Bo")])
    assert "1 of 2 speakers has less than a quarter of an equal share (5.0 min): Bo (1.0 min)." in _said(preparation)


def test_what_settings_can_mend_is_said_with_the_setting(
    make_clip: ClipMaker, make_preparation: PreparationMaker
) -> None:
    clips = [
        make_clip(
            line, loudness_lufs=-30.0 + line, leading_silence_seconds=0.8, source_rate_hz=16000 + line % 2 * 28100
        )
        for line in range(1, 14)
    ]
    said = _said(make_preparation(clips))
    assert "differs by 10.8 LU (from -28.4 to -17.6 LUFS, 5th to 95th percentile); data.level=lufs evens it" in said
    assert "begin with more than 0.80 seconds of silence; data.trim_silence=true" in said
    assert "6 recordings are of a lower sample rate than the voice (6 of 16000 Hz; the voice has 22050 Hz)" in said
    mended = _said(make_preparation(clips, level="lufs", trim_silence=True))
    assert "data." not in mended


def test_a_corpus_of_nothing_is_described(make_preparation: PreparationMaker) -> None:
    preparation = make_preparation([])
    statistics = describe(preparation)
    assert (statistics.clips, statistics.hours, statistics.seconds) == (0, 0.0, None)
    assert observations(preparation, statistics) == ("No row of the corpus can be trained on.",)
