"""Clips and corpora in memory: what files and texts become, and which do not fit each other."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs import AudioSettings, DataSettings, InputError
from data.clips import Clip, load_clips
from data.corpus import Corpus, load_corpus
from data.metadata import read_metadata
from data.text import SymbolTable, TextFrontEnd, grapheme_symbols

CorpusMaker = Callable[..., Path]
COLUMNS = ("id", "text")
ALPHABET = grapheme_symbols(["the quick brown fox jumps over the lazy dog"])


def load(root: Path, columns: tuple[str, ...] = COLUMNS, speakers: tuple[str, ...] = ()) -> list[Clip]:
    return load_clips(
        read_metadata(root, "metadata.csv", columns),
        front_end=TextFrontEnd(kind="graphemes", language="en-us", symbols=ALPHABET),
        speakers=speakers,
        sample_rate=22050,
        hop_length=256,
        resample=False,
    )


def corpus(
    root: Path,
    columns: tuple[str, ...] = COLUMNS,
    symbols: SymbolTable | None = None,
    speakers: tuple[str, ...] | None = None,
) -> Corpus:
    data = DataSettings(root=str(root), columns=columns, front_end="graphemes", validation_clips=1)
    return load_corpus(data, AudioSettings(), symbols=symbols, speakers=speakers)


def test_clips_hold_what_the_files_hold_in_the_order_of_the_metadata(make_corpus: CorpusMaker) -> None:
    names = [f"clip{index}" for index in (5, 3, 9, 1)]
    root = make_corpus([f"{name}|the fox {name}" for name in names])
    with pytest.warns(UserWarning, match="leaves out"):
        clips = load(root)
    assert [clip.id for clip in clips] == names
    for clip in clips:
        assert np.array_equal(clip.audio, soundfile.read(root / "wavs" / f"{clip.id}.wav", dtype="int16")[0])
        assert clip.phoneme_ids.tolist() == list(
            TextFrontEnd(kind="graphemes", language="", symbols=ALPHABET).utterance(clip.text).ids
        )


def test_a_clip_with_fewer_frames_than_ids_is_refused_with_both_numbers(make_corpus: CorpusMaker) -> None:
    root = make_corpus(["a|dog"], seconds=9 * 256 / 22050)
    assert len(load(root)[0].phoneme_ids) == 9  # as many as frames: just enough
    (root / "metadata.csv").write_text("a|dogs\n")
    with pytest.raises(InputError, match=r"metadata\.csv line 1: .*a\.wav is too short.*9 frames of 256.*11 ids"):
        load(root)


@pytest.mark.parametrize("text", ["12", "...", "ж", "!?"])
def test_a_text_without_a_known_letter_is_named_by_its_line(make_corpus: CorpusMaker, text: str) -> None:
    with pytest.raises(InputError, match=r"metadata\.csv line 2: the text .* has nothing that the voice can speak"):
        load(make_corpus(["a|the dog", f"b|{text}"]))


def test_unknown_symbols_are_told_once_with_their_counts(make_corpus: CorpusMaker) -> None:
    root = make_corpus(["a|dog 7 ж", "b|fox 77"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load(root)
    assert [str(warning.message).partition(": ")[2] for warning in caught] == ["'7' (3), 'ж' (1)"]


def test_every_faulty_recording_counts(make_corpus: CorpusMaker) -> None:
    root = make_corpus([f"{name}|the dog" for name in "abcd"])
    (root / "wavs" / "b.wav").write_text("not audio")
    soundfile.write(root / "wavs" / "d.wav", np.zeros(9000), 8000)
    with pytest.raises(InputError, match=r"line 2: .*b\.wav: cannot be read as audio.*\(1 more row has a fault\)$"):
        load(root)


def test_speaker_ids_are_places_among_the_speakers(make_corpus: CorpusMaker) -> None:
    columns = ("id", "speaker", "text")
    root = make_corpus(["a|zoe|the dog", "b|adam|the fox", "c|zoe|the lazy dog"])
    assert [clip.speaker_id for clip in load(root, columns, ("zoe", "eve", "adam"))] == [0, 2, 0]
    with pytest.raises(InputError, match="line 2: the voice has no speaker 'adam', only zoe"):
        load(root, columns, ("zoe",))
    with pytest.raises(InputError, match=r"line 1: the line names no speaker.*data\.columns"):
        load(root, ("id", "raw_text", "text"), ("zoe", "adam"))


def test_a_corpus_has_its_own_alphabet_and_its_speakers_in_order(make_corpus: CorpusMaker) -> None:
    root = make_corpus(["a|zoe|bad dog", "b|adam|bad fog", "c|zoe|bad dab"])
    fresh = corpus(root, ("id", "speaker", "text"))
    assert fresh.speakers == ("adam", "zoe")
    letters = set("".join(clip.text for clip in fresh.train)) - {" "}
    assert {symbol for symbol in fresh.symbols.ids if symbol.isalpha()} == letters
    assert len(fresh.train) == 2
    assert len(fresh.validation) == 1
    given = corpus(root, ("id", "speaker", "text"), ALPHABET, ("zoe", "adam"))
    assert given.symbols is ALPHABET
    assert given.speakers == ("zoe", "adam")
    assert {clip.id: clip.speaker_id for clip in (*given.train, *given.validation)} == {"a": 0, "b": 1, "c": 0}


def test_the_fingerprint_tells_what_the_voice_learns_from(make_corpus: CorpusMaker) -> None:
    rows = ["a|zoe|bad dog", "b|adam|bad fog", "c|zoe|bad dab"]
    columns = ("id", "speaker", "text")
    root = make_corpus(rows)
    prints = [corpus(root, columns, ALPHABET).fingerprint]
    assert corpus(root, columns, ALPHABET).fingerprint == prints[0]
    for changed in (
        ["a|zoe|bad dogs", *rows[1:]],
        ["a|adam|bad dog", *rows[1:]],
        [*rows[:2], "d|zoe|bad dab"],
        rows[::-1],
    ):
        prints.append(corpus(make_corpus(changed), columns, ALPHABET).fingerprint)
    prints.append(corpus(make_corpus(rows, seconds=2.5), columns, ALPHABET).fingerprint)
    assert len(set(prints)) == len(prints)


def test_the_fingerprint_tells_which_clips_are_set_aside(make_corpus: CorpusMaker) -> None:
    root = make_corpus(["a|the dog", "b|the fox", "c|the lazy dog"])
    prints = set()
    for train, validation in (("a|the dog\nb|the fox", "c|the lazy dog"), ("a|the dog", "b|the fox\nc|the lazy dog")):
        (root / "train.csv").write_text(train)
        (root / "val.csv").write_text(validation)
        data = DataSettings(
            root=str(root), metadata="train.csv", validation_metadata="val.csv", columns=COLUMNS, front_end="graphemes"
        )
        prints.add(load_corpus(data, AudioSettings(), symbols=ALPHABET).fingerprint)
    assert len(prints) == 2


def test_a_validation_file_is_used_and_may_not_share_recordings_with_the_training_file(
    make_corpus: CorpusMaker,
) -> None:
    root = make_corpus(["a|the dog", "b|the fox", "c|the lazy dog"])
    (root / "train.csv").write_text("a|the dog\nb|the fox\n")
    (root / "val.csv").write_text("c|the lazy dog\n")
    data = DataSettings(
        root=str(root), metadata="train.csv", validation_metadata="val.csv", columns=COLUMNS, front_end="graphemes"
    )
    loaded = load_corpus(data, AudioSettings(), symbols=ALPHABET)
    assert [[clip.id for clip in part] for part in (loaded.train, loaded.validation)] == [["a", "b"], ["c"]]
    shared = data.model_copy(update={"metadata": "metadata.csv"})
    with pytest.raises(InputError, match=r"val\.csv line 1: 'c' is also in .*metadata\.csv line 3"):
        load_corpus(shared, AudioSettings())


def test_ljspeech_loads_whole_and_without_a_warning(ljspeech: Path) -> None:
    pytest.importorskip("piper")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = load_corpus(DataSettings(root=str(ljspeech)), AudioSettings())
    assert len(loaded.validation) == 100
    clips = {clip.id: len(clip.audio) for clip in (*loaded.train, *loaded.validation)}
    seconds = [line.split(",")[:2] for line in (ljspeech / "provenance.csv").read_text().splitlines()[1:]]
    assert len(clips) == len(seconds) == 335
    assert all(abs(clips[name] / 22050 - float(length)) < 1e-4 for name, length in seconds)
