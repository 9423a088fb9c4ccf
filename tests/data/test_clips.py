"""Clips and corpora in memory: what files and texts become, and which do not fit each other."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from configs import AudioSettings, DataSettings, InputError
from data.clips import Clip, read_clips
from data.corpus import Corpus, load_corpus
from data.faults import FaultKind
from data.preparation import Preparation, prepare
from text import SymbolTable, TextFrontEnd, grapheme_symbols

CorpusMaker = Callable[..., Path]
ALPHABET = grapheme_symbols(["the quick brown fox jumps over the lazy dog"])
EVERY_PACE = (0.1, 99.0)


def look(root: Path, symbols: SymbolTable | None = ALPHABET, **settings: Any) -> Preparation:
    own: dict[str, Any] = {"front_end": "graphemes", "characters_per_second": EVERY_PACE, "validation_clips": 1}
    data = DataSettings(root=str(root), cache=str(root / "cache"), **(own | settings))
    return prepare(data, AudioSettings(), symbols=symbols)


def load(preparation: Preparation, speakers: tuple[str, ...] = ()) -> list[Clip]:
    return list(
        read_clips(
            preparation.clips,
            prepared_audio=preparation.prepared_audio,
            symbols=preparation.symbols,
            speakers=speakers,
        )
    )


def test_clips_hold_what_the_files_hold_in_the_order_of_the_metadata(make_corpus: CorpusMaker) -> None:
    names = [f"clip{index:02d}" for index in np.random.default_rng(0).permutation(100)]
    root = make_corpus([f"{name}|the fox" for name in names], seconds=0.6)
    clips = load(look(root))
    assert [clip.id for clip in clips] == names
    for clip in clips:
        assert np.array_equal(clip.audio, soundfile.read(root / "wavs" / f"{clip.id}.wav", dtype="int16")[0])
        assert clip.phoneme_ids.tolist() == list(
            TextFrontEnd(kind="graphemes", language="en-us", symbols=ALPHABET).utterance(clip.text).ids
        )


def test_clips_are_read_as_they_are_needed(make_corpus: CorpusMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    preparation = look(make_corpus([f"clip{number}|the fox" for number in range(200)], seconds=0.6))
    audio, read = preparation.prepared_audio, []
    samples = audio.samples

    def counted(path: Path, key: str) -> object:
        read.append(key)
        return samples(path, key)

    monkeypatch.setattr(audio, "samples", counted)
    clips = read_clips(preparation.clips, prepared_audio=audio, symbols=ALPHABET, speakers=())
    for _ in range(10):
        next(clips)
    assert len(read) < 100
    assert len(list(clips)) == 190
    assert len(read) == 200


def test_a_clip_with_fewer_frames_than_ids_is_left_out_with_both_numbers(make_corpus: CorpusMaker) -> None:
    root = make_corpus(["a|dog"], seconds=9 * 256 / 22050)
    assert len(load(look(root, shortest_seconds=0.05))[0].phoneme_ids) == 9  # as many as frames: just enough
    (root / "metadata.csv").write_text("a|dogs\n")
    preparation = look(root, shortest_seconds=0.05)
    (fault,) = preparation.faults
    assert fault.kind is FaultKind.CHARACTER_RATE
    assert "9 frames are too few for 11 ids" in fault.detail
    assert preparation.clips == ()


@pytest.mark.parametrize("text", ["...", "ж", "!?"])
def test_a_text_without_a_known_letter_is_left_out(make_corpus: CorpusMaker, text: str) -> None:
    preparation = look(make_corpus(["a|the dog", f"b|{text}"]))
    assert [clip.recording.id for clip in preparation.clips] == ["a"]
    assert {fault.line for fault in preparation.faults} == {2}
    assert FaultKind.EMPTY_TEXT in {fault.kind for fault in preparation.faults}


def test_unknown_symbols_are_told_with_their_row(make_corpus: CorpusMaker) -> None:
    preparation = look(make_corpus(["a|dog", "b|fox ж"]))
    (fault,) = preparation.faults
    assert (fault.id, fault.line, fault.kind) == ("b", 2, FaultKind.UNKNOWN_SYMBOLS)
    assert "ж" in fault.detail
    assert len(preparation.clips) == 2


def test_speaker_ids_are_places_among_the_speakers(make_corpus: CorpusMaker) -> None:
    preparation = look(make_corpus(["a|zoe|the dog", "b|adam|the fox", "c|zoe|the lazy dog"]))
    assert [clip.speaker_id for clip in load(preparation, ("zoe", "eve", "adam"))] == [0, 2, 0]
    with pytest.raises(InputError, match="line 2: the voice has no speaker 'adam', only zoe"):
        load(preparation, ("zoe",))
    nobody = look(make_corpus(["a|the dog"]))
    with pytest.raises(InputError, match="line 1: names no speaker, and the voice has 2"):
        load(nobody, ("zoe", "adam"))


def test_a_corpus_has_its_own_alphabet_and_its_speakers_in_order(make_corpus: CorpusMaker) -> None:
    root = make_corpus(["a|zoe|bad dog", "b|adam|bad fog", "c|zoe|bad dab"])
    fresh = load_corpus(look(root, None))
    assert fresh.speakers == ("adam", "zoe")
    clips = [*fresh.train, *fresh.validation]
    assert all(isinstance(clip, Clip) for clip in clips)
    letters = set("bad dog bad fog bad dab") - {" "}
    assert {symbol for symbol in fresh.symbols.ids if symbol.isalpha()} == letters
    assert len(fresh.train) == 2
    assert len(fresh.validation) == 1
    given = load_corpus(look(root), speakers=("zoe", "adam"))
    assert given.symbols is ALPHABET
    assert given.speakers == ("zoe", "adam")


def test_the_fingerprint_tells_what_the_voice_learns_from(make_corpus: CorpusMaker) -> None:
    rows = ["a|zoe|bad dog", "b|adam|bad fog", "c|zoe|bad dab"]

    def fingerprint(rows: list[str], **made: Any) -> str:
        return load_corpus(look(make_corpus(rows, **made))).fingerprint

    prints = [fingerprint(rows)]
    assert fingerprint(rows) == prints[0]
    for changed in (
        ["a|zoe|bad dogs", *rows[1:]],
        ["a|adam|bad dog", *rows[1:]],
        [*rows[:2], "d|zoe|bad dab"],
        rows[::-1],
    ):
        prints.append(fingerprint(changed))
    prints.append(fingerprint(rows, seconds=2.5))
    assert len(set(prints)) == len(prints)


def split(root: Path, train: str, validation: str) -> Corpus:
    (root / "train.csv").write_text(train)
    (root / "val.csv").write_text(validation)
    return load_corpus(look(root, metadata="train.csv", validation_metadata="val.csv"))


def test_a_validation_file_is_used_and_the_fingerprint_tells_which_clips_are_set_aside(
    make_corpus: CorpusMaker,
) -> None:
    root = make_corpus(["a|the dog", "b|the fox", "c|the lazy dog"])
    one = split(root, "a|the dog\nb|the fox", "c|the lazy dog")
    other = split(root, "a|the dog", "b|the fox\nc|the lazy dog")
    assert [[clip.id for clip in part] for part in (one.train, one.validation)] == [["a", "b"], ["c"]]
    assert one.fingerprint != other.fingerprint


def test_training_and_validation_may_not_share_a_recording(make_corpus: CorpusMaker) -> None:
    root = make_corpus(["a|the dog", "b|the fox", "c|the lazy dog"])
    with pytest.raises(InputError, match=r"val\.csv line 1: 'c' is also in .*train\.csv line 3"):
        split(root, "a|the dog\nb|the fox\nc|the lazy dog", "c|the lazy dog")


def test_the_clips_set_aside_do_not_depend_on_the_order_of_the_rows_and_hardly_on_others(
    make_corpus: CorpusMaker,
) -> None:
    rows = [f"clip{number}|the dog" for number in range(40)]

    def aside(rows: list[str]) -> set[str]:
        return {clip.id for clip in load_corpus(look(make_corpus(rows, seconds=0.6), validation_clips=8)).validation}

    chosen = aside(rows)
    assert len(chosen) == 8
    assert aside(rows[::-1]) == chosen
    assert len(chosen & aside([*rows, "another|the dog"])) >= 7


@pytest.mark.parametrize(
    ("rows", "told"), [(["a|the dog"], "1 of the recordings can be used"), (["a|dog", "b|fox"], "validation_clips = 2")]
)
def test_a_corpus_that_leaves_nothing_to_train_on_is_refused(
    make_corpus: CorpusMaker, rows: list[str], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        load_corpus(look(make_corpus(rows), validation_clips=2))


def test_ljspeech_loads_whole_and_without_a_warning(ljspeech: Path, tmp_path: Path) -> None:
    pytest.importorskip("piper")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        preparation = prepare(DataSettings(root=str(ljspeech), cache=str(tmp_path)), AudioSettings())
        loaded = load_corpus(preparation)
    assert len(loaded.validation) == 33  # a tenth, as nobody asked for a number
    clips = {clip.recording.id: clip.samples for clip in preparation.clips}
    seconds = [line.split(",")[:2] for line in (ljspeech / "provenance.csv").read_text().splitlines()[1:]]
    assert len(clips) == len(seconds) == 335
    assert all(abs(clips[name] / 22050 - float(length)) < 1e-4 for name, length in seconds)
