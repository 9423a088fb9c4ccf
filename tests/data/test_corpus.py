"""What is set aside for validation: no speaker is lost to training, and what happens is said."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs import AudioSettings, DataSettings, InputError, load_config
from data.corpus import describe_split, load_corpus, speakers_of, split, validation_count
from data.inspection.signal_level import SignalMetrics
from data.preparation import Preparation, PreparedClip, prepare
from data.recording import Recording, in_order
from data.report.observations import observations
from data.report.statistics import describe

CorpusMaker = Callable[..., Path]
REPOSITORY = Path(__file__).resolve().parents[2]
MEASURES = SignalMetrics(2.0, 22050, 1, 0.5, -20.0, -23.0, 0.0, 0, 0.1, 0.1, 40.0)


def clips_of(speakers: dict[str | None, int]) -> list[PreparedClip]:
    names = [(speaker, number) for speaker, count in speakers.items() for number in range(count)]
    return [
        PreparedClip(
            Recording(f"{speaker}-{number}", "Hello.", speaker, Path(f"{speaker}-{number}.wav"), Path("m.csv"), line),
            "hello",
            "key",
            f"digest of {speaker}-{number}",
            44100,
            MEASURES,
        )
        for line, (speaker, number) in enumerate(names, start=1)
    ]


def settings(**own: Any) -> DataSettings:
    return DataSettings(root="corpus", **own)


def counted(clips: list[PreparedClip]) -> dict[str | None, int]:
    return dict(Counter(clip.recording.speaker for clip in clips))


def test_a_speaker_of_one_clip_is_trained_on_and_the_other_keeps_half() -> None:
    division = split(clips_of({"ann": 11, "bob": 1}), settings(validation_clips=8))
    assert counted(division.train) == {"ann": 6, "bob": 1}
    assert counted(division.validation) == {"ann": 5}
    told = describe_split(division, settings(validation_clips=8))
    assert told[0] == "validation: 5 of 12 recordings are set aside, 7 are trained on"
    assert "data.validation_clips = 8 is more than can be set aside" in told[1]
    assert told[2] == "not validated, but trained on: bob"


def test_names_of_any_length_and_number_make_one_short_sentence() -> None:
    speakers: dict[str | None, int] = {"ann": 20, **{f"{number:03d}" * 43: 1 for number in range(30)}}
    division = split(clips_of(speakers), settings())
    (sentence,) = [told for told in describe_split(division, settings()) if told.startswith("not validated")]
    assert sentence.startswith("not validated, but trained on: 000000")
    assert sentence.count("…, ") == 11
    assert sentence.endswith("… and 18 more")
    assert len(sentence) < 600


def test_of_twelve_speakers_of_two_clips_none_is_lost() -> None:
    speakers: dict[str | None, int] = {f"p{number}": 2 for number in range(12)}
    division = split(clips_of(speakers), settings(validation_clips=8))
    assert set(counted(division.train)) == set(speakers)
    assert sorted(counted(division.validation).values()) == [1] * 8


@pytest.mark.parametrize(
    ("clips", "aside"),
    [(2, 1), (9, 1), (12, 1), (20, 2), (79, 7), (80, 8), (120, 8), (13100, 8)],
)
def test_the_tiny_experiment_sets_a_tenth_of_a_small_corpus_aside_and_eight_of_a_large_one(
    clips: int, aside: int
) -> None:
    config = load_config(REPOSITORY / "configs" / "tiny.toml", ["data.root=corpus"])
    division = split(clips_of({None: clips}), config.data)
    assert (len(division.train), len(division.validation)) == (clips - aside, aside)
    assert describe_split(division, config.data) == (
        f"validation: {aside} of {clips} recordings are set aside, {clips - aside} are trained on (at most a tenth; "
        "data.validation_clips=N sets another number aside)",
    )


def test_the_default_hundred_is_capped_and_a_number_that_is_asked_for_is_not(tmp_path: Path) -> None:
    assert validation_count(settings(), 120) == 12
    assert validation_count(settings(), 5000) == 100
    assert validation_count(settings(validation_clips=100), 120) == 100
    own = tmp_path / "own.toml"
    own.write_text('[run]\ndir = "runs/own"\n[data]\nroot = "corpus"\nvalidation_clips = 8\n', encoding="utf-8")
    assert len(split(clips_of({None: 12}), load_config(own).data).validation) == 8
    asked = load_config(REPOSITORY / "configs" / "tiny.toml", ["data.root=corpus", "data.validation_clips=8"])
    assert len(split(clips_of({None: 12}), asked.data).validation) == 8


def test_no_shipped_experiment_asks_for_a_number_on_its_own() -> None:
    for path in sorted((REPOSITORY / "configs").glob("*.toml")):
        assert load_config(path, ["data.root=corpus"]).data.validation_clips == "auto"


SPEAKERS = st.dictionaries(st.text("abcxyz0123456789", min_size=1, max_size=3), st.integers(1, 30), min_size=2)


@hypothesis.settings(deadline=None)
@given(SPEAKERS, st.one_of(st.just("auto"), st.integers(1, 60)), st.randoms())
def test_every_speaker_keeps_half_and_shares_are_even_and_no_order_matters(
    speakers: dict[str | None, int], asked: int | str, chance: Any
) -> None:
    clips, data = clips_of(speakers), settings(validation_clips=asked)
    if max(speakers.values()) == 1 or (asked != "auto" and int(asked) >= len(clips)):
        with pytest.raises(InputError, match=r"corpus: each of its|data\.validation_clips = "):
            split(clips, data)
        return
    division = split(clips, data)
    assert all(part == sorted(part, key=lambda clip: clip.recording.line) for part in division)
    assert sorted(clip.recording.line for part in division for clip in part) == list(range(1, len(clips) + 1))
    train, validation = counted(division.train), counted(division.validation)
    assert all(train[name] >= max(1, size / 2) for name, size in speakers.items())
    wanted = validation_count(data, len(clips))
    assert len(division.validation) == min(wanted, sum(size // 2 for size in speakers.values()))
    able = [name for name, size in speakers.items() if size > 1]
    if wanted >= len(able):
        assert all(validation.get(name) for name in able)
    # Nobody gives more than a speaker who has as many clips, by more than the one that cannot be shared.
    for one in able:
        for other in able:
            if speakers[one] == speakers[other]:
                assert abs(validation.get(one, 0) - validation.get(other, 0)) <= 1
    shuffled = list(clips)
    chance.shuffle(shuffled)
    assert {clip.recording.id for clip in split(shuffled, data).validation} == {
        clip.recording.id for clip in division.validation
    }
    told = " ".join(describe_split(division, data))
    assert f"{len(division.validation)} of {len(clips)} recordings are set aside" in told
    assert ("not validated" in told) == any(name not in validation for name in speakers)


def look(root: Path, **own: Any) -> Preparation:
    own = {"front_end": "graphemes", "characters_per_second": (0.1, 99.0), **own}
    return prepare(DataSettings(root=str(root), cache=str(root / "cache"), **own), AudioSettings())


def test_one_speaker_gives_the_clips_that_older_versions_drew(make_corpus: CorpusMaker) -> None:
    preparation = look(make_corpus([f"clip{number}|the dog" for number in range(30)], seconds=0.6), validation_clips=8)
    assert split(preparation.clips, preparation.data) == split(preparation.clips, preparation.data, per_speaker=False)


def test_a_run_that_goes_on_keeps_the_clips_and_the_ids_that_it_began_with(make_corpus: CorpusMaker) -> None:
    rows = [f"clip{number}|{number % 3 * 5}|the dog" for number in range(30)]
    preparation = look(make_corpus(rows, seconds=0.6), validation_clips=9, format="piper")
    new = load_corpus(preparation)
    assert new.speakers == ("0", "5", "10")
    old_draw = split(preparation.clips, preparation.data, per_speaker=False)
    aside = [clip.recording.id for clip in old_draw.validation]
    assert aside != [clip.id for clip in new.validation]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("data.corpus.split", lambda clips, data, per_speaker=True: old_draw)
        begun = load_corpus(preparation, speakers=("0", "10", "5"))
    again = load_corpus(preparation, speakers=begun.speakers, fingerprint=begun.fingerprint)
    assert again.fingerprint == begun.fingerprint
    assert [clip.id for clip in again.validation] == aside
    assert [clip.speaker_id for clip in again.train] == [clip.speaker_id for clip in begun.train]
    other = load_corpus(preparation, speakers=begun.speakers, fingerprint="of another corpus")
    assert other.fingerprint == new.fingerprint


def test_a_speaker_that_only_the_validation_file_has_is_refused_for_a_new_voice(make_corpus: CorpusMaker) -> None:
    root = make_corpus(["a|ann|the dog", "b|bob|the fox", "c|ann|the lazy dog"])
    (root / "train.csv").write_text("a|ann|the dog\nc|ann|the lazy dog")
    (root / "val.csv").write_text("b|bob|the fox")
    preparation = look(root, metadata="train.csv", validation_metadata="val.csv", format="piper")
    with pytest.raises(InputError, match=r"bob: has no recording to train on, only some in val\.csv"):
        load_corpus(preparation)
    assert load_corpus(preparation, speakers=("ann", "bob")).speakers == ("ann", "bob")


def test_a_speaker_whose_rows_are_all_dropped_is_told(make_corpus: CorpusMaker) -> None:
    root = make_corpus(["a|ann|the dog", "b|ann|the fox", "c|bob|the lazy dog", "d|cem|the dog"])
    for name in ("c", "d"):
        (root / "wavs" / f"{name}.wav").write_bytes(b"")
    preparation = look(root, format="piper")
    assert preparation.lost_speakers == ("bob", "cem")
    told = observations(preparation, describe(preparation))
    assert told[0] == ("2 speakers have no recording that can be trained on, and will not be in the voice: bob, cem.")
    assert load_corpus(preparation).speakers == ("ann",)


def test_speakers_0_to_11_have_their_own_names_as_ids() -> None:
    names = tuple(str(number) for number in range(12))
    assert in_order(names[::-1]) == names
    assert speakers_of(split(clips_of(dict.fromkeys(names, 2)), settings()), settings()) == names


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        ({"10", "9", "-1", "+3", "007"}, ("-1", "+3", "007", "9", "10")),
        ({"01", "1", "2"}, ("01", "1", "2")),
        ({"10", "9", "ann"}, ("10", "9", "ann")),
        ({"1.5", "10", "9"}, ("1.5", "10", "9")),
        ({"p10", "p9"}, ("p10", "p9")),
        ({"²", "10", "9"}, ("10", "9", "²")),
        ({"9" * 6000, "10"}, ("10", "9" * 6000)),
        (set(), ()),
    ],
)
def test_only_names_that_are_all_whole_numbers_sort_as_numbers(names: set[str], ordered: tuple[str, ...]) -> None:
    assert in_order(names) == ordered


@hypothesis.settings(deadline=None)
@given(st.sets(st.integers(-(10**6), 10**6)))
def test_any_whole_numbers_sort_as_numbers(numbers: set[int]) -> None:
    assert in_order(map(str, numbers)) == tuple(map(str, sorted(numbers)))
