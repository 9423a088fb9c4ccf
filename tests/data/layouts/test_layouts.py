"""Layouts: each is found by looking and by name, and read back as it was written."""

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs import InputError
from data.layouts import EXTENSIONS, LAYOUTS, read_corpus
from data.layouts.entries import without_extension

RecordingsWriter = Callable[..., None]
Rows = list[tuple[str, str, str | None, str]]  # id, text, speaker, audio path from inside the folder

QUOTED = ['"Yes, he said.', 'he said "no"', "x", 'a ""b"" "']


def write_ljspeech(root: Path, record: RecordingsWriter) -> Rows:
    record(*(f"wavs/LJ-{index}.wav" for index in range(4)))
    lines = [f"LJ-{index}|Mr. {text}|Mister {text}" for index, text in enumerate(QUOTED)]
    (root / "metadata.csv").write_text("\n".join(lines) + "\n")
    return [(f"LJ-{index}", f"Mister {text}", None, f"wavs/LJ-{index}.wav") for index, text in enumerate(QUOTED)]


def write_ljspeech_with_one_text(root: Path, record: RecordingsWriter) -> Rows:
    record("wavs/a.flac", "wavs/b.ogg", "wavs/c.mp3", "wavs/d.opus")
    (root / "metadata.csv").write_text("a|Hello.\nb|It's me — Ann.\nc|Grüße\nd|四")
    expected = [("a", "Hello.", "flac"), ("b", "It's me — Ann.", "ogg"), ("c", "Grüße", "mp3"), ("d", "四", "opus")]
    return [(name, text, None, f"wavs/{name}.{ending}") for name, text, ending in expected]


def write_piper(root: Path, record: RecordingsWriter) -> Rows:
    record("a.wav", "wavs/b.wav", "wav/c.flac", "wavs/p1/d.wav")
    (root / "metadata.csv").write_text(
        "a.wav|ann|Hello, I am Ann.\nb|bob|Bob.\nc.flac|bob|No?\nwavs/p1/d.wav|ann|Yes!\n"
    )
    return [
        ("a", "Hello, I am Ann.", "ann", "a.wav"),
        ("b", "Bob.", "bob", "wavs/b.wav"),
        ("c", "No?", "bob", "wav/c.flac"),
        ("p1/d", "Yes!", "ann", "wavs/p1/d.wav"),
    ]


def write_piper_with_one_speaker(root: Path, record: RecordingsWriter) -> Rows:
    record("wav/a.wav", "wav/b.wav")
    (root / "metadata.csv").write_text('wav\\a.wav|One "two\n./wav/b.wav|Three')
    return [("a", 'One "two', None, "wav/a.wav"), ("b", "Three", None, "wav/b.wav")]


def write_vctk(root: Path, record: RecordingsWriter) -> Rows:
    audio = "wav48_silence_trimmed"
    names = ("p225/p225_001_mic1", "p225/p225_001_mic2", "p225/p225_002_mic2", "p280/p280_001_mic1", "s5/s5_001_mic1")
    record(*(f"{audio}/{name}.flac" for name in names))
    expected: Rows = []
    for identity, microphone in (("p225_001", 1), ("p225_002", 2), ("p280_001", 1), ("s5_001", 1)):
        speaker = identity.partition("_")[0]
        transcript = root / "txt" / speaker / f"{identity}.txt"
        transcript.parent.mkdir(parents=True, exist_ok=True)
        transcript.write_text(f"Please call Stella, {identity}. \n")
        path = f"{audio}/{speaker}/{identity}_mic{microphone}.flac"
        expected.append((identity, f"Please call Stella, {identity}.", speaker, path))
    return expected


def write_old_vctk(root: Path, record: RecordingsWriter) -> Rows:
    record("wav48/p225/p225_001.wav")
    (root / "txt" / "p225").mkdir(parents=True)
    (root / "txt" / "p225" / "p225_001.txt").write_text("Please call Stella.")
    return [("p225_001", "Please call Stella.", "p225", "wav48/p225/p225_001.wav")]


def write_libritts(root: Path, record: RecordingsWriter, subsets: tuple[str, ...] = ("", "", "")) -> Rows:
    expected: Rows = []
    for subset, chapter in zip(subsets, ("103/1240", "103/1241", "1034/121"), strict=True):
        identity = f"{chapter.replace('/', '_')}_000_001"
        place = root / subset / chapter
        record(f"{subset}{chapter}/{identity}.wav")
        (place / f"{identity}.original.txt").write_text("Dr. Who")
        if chapter != "103/1241":
            (place / f"{identity}.normalized.txt").write_text("Doctor Who")
        text = "Dr. Who" if chapter == "103/1241" else "Doctor Who"
        expected.append((identity, text, chapter.split("/")[0], f"{subset}{chapter}/{identity}.wav"))
    return expected


def write_libritts_from_above(root: Path, record: RecordingsWriter) -> Rows:
    return write_libritts(root, record, ("dev-clean/", "train-clean-100/", "train-clean-100/"))


def write_libritts_from_far_above(root: Path, record: RecordingsWriter) -> Rows:
    return write_libritts(root, record, ("LibriTTS/dev-clean/", "LibriTTS/dev-clean/", "LibriTTS/test-clean/"))


def write_kaldi(root: Path, record: RecordingsWriter) -> Rows:
    record("audio/a.wav", "audio/b b.flac", "c.wav")
    (root / "wav.scp").write_text(f"ann-1 audio/a.wav\nann-2\taudio/b b.flac\nbob-1 {root.resolve()}/c.wav\n")
    (root / "text").write_text('ann-1 HELLO  "you\nann-2 |\nbob-1\tNO\n')
    (root / "utt2spk").write_text("ann-1 ann\nann-2 ann\nbob-1 bob\n")
    return [
        ("ann-1", 'HELLO  "you', "ann", "audio/a.wav"),
        ("ann-2", "|", "ann", "audio/b b.flac"),
        ("bob-1", "NO", "bob", "c.wav"),
    ]


def write_audiofolder(root: Path, record: RecordingsWriter) -> Rows:
    names = ["a.wav", "train/b.flac", "train/a.wav", 'od"d.wav']
    texts = [*QUOTED[:2], "one, two", "first\nsecond"]
    record(*names)
    with (root / "metadata.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["speaker_id", "file_name", "text"])
        writer.writerows((f"s{len(name)}", name, text) for name, text in zip(names, texts, strict=True))
    return [(without_extension(name), text, f"s{len(name)}", name) for name, text in zip(names, texts, strict=True)]


def write_audiofolder_as_json(root: Path, record: RecordingsWriter) -> Rows:
    record("data/a.wav", "data/b.wav")
    lines = [{"file_name": f"data/{name}.wav", "transcription": f'"{name}" | ü, 😀'} for name in "ab"]
    (root / "metadata.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    return [(f"data/{name}", f'"{name}" | ü, 😀', None, f"data/{name}.wav") for name in "ab"]


def write_table(root: Path, record: RecordingsWriter) -> Rows:
    names = ["a.wav", "b.flac", "c.wav", "d.wav"]
    record(*(f"verified/{name}" for name in names))
    with (root / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["datei", "alter", "satz", "sprecher"])
        writer.writerows((name, "", f"{text} ist, ein; Satz", "anna") for name, text in zip(names, QUOTED, strict=True))
    return [
        (without_extension(name), f"{text} ist, ein; Satz", "anna", f"verified/{name}")
        for name, text in zip(names, QUOTED, strict=True)
    ]


def write_pairs(root: Path, record: RecordingsWriter) -> Rows:
    record("data/b.wav", "data/a.flac")
    (root / "data" / "a.txt").write_text("Guten Tag.\n", encoding="utf-8")
    (root / "data" / "b.lab").write_text("Bis morgen, \nAnna!", encoding="utf-8")
    return [("a", "Guten Tag.", None, "data/a.flac"), ("b", "Bis morgen, Anna!", None, "data/b.wav")]


def write_pairs_of_speakers(root: Path, record: RecordingsWriter) -> Rows:
    expected: Rows = []
    for speaker in ("ann", "bob"):
        record(f"{speaker}/1.wav")
        (root / speaker / "1.lab").write_text(f"I am {speaker}.", encoding="utf-8")
        expected.append((f"{speaker}/1", f"I am {speaker}.", speaker, f"{speaker}/1.wav"))
    return expected


WRITERS: dict[str, tuple[str, Callable[[Path, RecordingsWriter], Rows]]] = {
    "ljspeech": ("ljspeech", write_ljspeech),
    "ljspeech with one text": ("ljspeech", write_ljspeech_with_one_text),
    "piper": ("piper", write_piper),
    "piper with one speaker": ("piper", write_piper_with_one_speaker),
    "vctk": ("vctk", write_vctk),
    "vctk 0.80": ("vctk", write_old_vctk),
    "libritts": ("libritts", write_libritts),
    "libritts from above": ("libritts", write_libritts_from_above),
    "libritts from far above": ("libritts", write_libritts_from_far_above),
    "kaldi": ("kaldi", write_kaldi),
    "audiofolder": ("audiofolder", write_audiofolder),
    "audiofolder as json": ("audiofolder", write_audiofolder_as_json),
    "table": ("table", write_table),
    "pairs": ("pairs", write_pairs),
    "pairs of speakers": ("pairs", write_pairs_of_speakers),
}


def test_every_layout_has_a_corpus_here() -> None:
    assert {layout for layout, _ in WRITERS.values()} == set(LAYOUTS)


@pytest.mark.parametrize("named", [False, True], ids=["found by looking", "named"])
@pytest.mark.parametrize("corpus", WRITERS)
def test_a_corpus_is_read_back_as_it_was_written(
    tmp_path: Path, record: RecordingsWriter, corpus: str, named: bool
) -> None:
    layout, write = WRITERS[corpus]
    expected = write(tmp_path, record)
    listing = read_corpus(tmp_path, layout=layout if named else "auto")
    found = [(row.id, row.text, row.speaker, str(row.audio_path.relative_to(tmp_path))) for row in listing.recordings]
    assert found == expected
    assert (listing.layout, listing.faults, listing.rows) == (layout, (), len(expected))
    assert all(row.audio_path.is_file() and row.file.is_file() for row in listing.recordings)


@pytest.mark.parametrize("corpus", ["ljspeech", "piper", "audiofolder"])
def test_another_metadata_file_is_read_and_named_by_its_recordings(
    tmp_path: Path, record: RecordingsWriter, corpus: str
) -> None:
    layout, write = WRITERS[corpus]
    expected = write(tmp_path, record)
    (tmp_path / "metadata.csv").rename(tmp_path / "val.csv")
    (tmp_path / "metadata.csv").write_text("nothing of the kind")
    listing = read_corpus(tmp_path, metadata="val.csv")
    assert [row.text for row in listing.recordings] == [text for _, text, _, _ in expected]
    assert {row.file for row in listing.recordings} == {tmp_path / "val.csv"}
    assert listing.layout == layout


@pytest.mark.parametrize(
    ("folder", "metadata", "layout", "count"),
    [
        ("ljspeech_dev", None, "ljspeech", 335),
        ("onevoice", None, "ljspeech", 1610),
        ("onevoice", "val.csv", "ljspeech", 85),
        ("multispeaker", None, "piper", 92),
        ("multispeaker", "metadata_nl_de.csv", "piper", 60),
    ],
)
def test_real_corpora_have_no_faults(
    multispeaker: Path, folder: str, metadata: str | None, layout: str, count: int
) -> None:
    root = multispeaker.parent / folder
    listing = read_corpus(root, metadata=metadata)
    lines = (root / (metadata or "metadata.csv")).read_text(encoding="utf-8").splitlines()
    written = [(line.split("|")[0], line.split("|")[-1], number) for number, line in enumerate(lines, start=1)]
    assert [(row.id, row.text, row.line) for row in listing.recordings] == written
    speakers = {line.split("|")[1] for line in lines} if layout == "piper" else {None}
    assert {row.speaker for row in listing.recordings} == speakers
    assert (listing.layout, len(listing.recordings), listing.faults, listing.rows) == (layout, count, (), count)


@settings(deadline=None)
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="|\n"), min_size=1).filter(str.strip),
        min_size=1,
        max_size=8,
    )
)
def test_any_text_without_a_bar_or_a_line_end_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    root = tmp_path_factory.mktemp("corpus")
    (root / "wavs").mkdir()
    for index in range(len(texts)):
        (root / "wavs" / f"{index}.wav").touch()
    lines = [f"{index}|{text}|{text} \n" for index, text in enumerate(texts)]
    (root / "metadata.csv").write_bytes("".join(lines).encode())
    listing = read_corpus(root, layout="ljspeech")
    assert [row.text for row in listing.recordings] == [text.strip() for text in texts]
    assert listing.faults == ()


@pytest.mark.parametrize(
    ("middle", "layout"),
    [
        (["In 1839.", "He said.", "Yes, Dr. Who."], "ljspeech"),
        (["", "", ""], "ljspeech"),
        (["ann", "bob", "ann"], "piper"),
        (["0", "1", "10"], "piper"),
    ],
)
def test_a_middle_column_is_told_by_its_rows(
    tmp_path: Path, record: RecordingsWriter, middle: list[str], layout: str
) -> None:
    record("wavs/0.wav", "wavs/1.wav", "wavs/2.wav")
    texts = ["In eighteen thirty-nine.", "He said.", "Yes, Doctor Who."]
    lines = [f"{index}|{row}|{text}" for index, (row, text) in enumerate(zip(middle, texts, strict=True))]
    (tmp_path / "metadata.csv").write_text("\n".join(lines))
    assert read_corpus(tmp_path).layout == layout


def test_where_two_layouts_fit_both_are_named_and_the_choice_is_the_users(
    tmp_path: Path, record: RecordingsWriter
) -> None:
    write_kaldi(tmp_path, record)
    expected = write_ljspeech(tmp_path, record)
    with pytest.raises(
        InputError, match=r"ljspeech \(.*\) and kaldi \(.*\): choose one with data\.format, or --format"
    ):
        read_corpus(tmp_path)
    assert len(read_corpus(tmp_path, layout="ljspeech").recordings) == len(expected)
    assert len(read_corpus(tmp_path, layout="kaldi").recordings) == 3
    assert read_corpus(tmp_path, metadata="metadata.csv").layout == "ljspeech"


def test_a_middle_column_that_is_neither_a_speaker_nor_a_text_like_the_last_is_left_to_the_user(
    tmp_path: Path, record: RecordingsWriter
) -> None:
    record(*(f"wavs/{index}.wav" for index in range(20)))
    lines = [f"{index}|{'number ' * 9}{index}|{'0123456789'[index % 10] * 20}" for index in range(20)]
    (tmp_path / "metadata.csv").write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"may be ljspeech .* and piper .*data\.format"):
        read_corpus(tmp_path)


def test_a_recording_is_found_whatever_its_extension_and_the_first_of_several_is_taken(
    tmp_path: Path, record: RecordingsWriter
) -> None:
    (tmp_path / "wavs").mkdir()
    for index, extension in enumerate(EXTENSIONS):
        for later in EXTENSIONS[index:]:
            (tmp_path / "wavs" / f"x{index}{later}").touch()
        (tmp_path / "wavs" / f"y{index}{extension.upper()}").touch()
    names = [f"{letter}{index}" for letter in "xy" for index in range(len(EXTENSIONS))]
    (tmp_path / "metadata.csv").write_text("".join(f"{name}|text\n" for name in names))
    found = [row.audio_path.name for row in read_corpus(tmp_path).recordings]
    endings = [*EXTENSIONS, *(extension.upper() for extension in EXTENSIONS)]
    assert found == [name + ending for name, ending in zip(names, endings, strict=True)]


def test_the_extension_a_row_names_may_be_in_capitals_on_disk_and_another_is_told(
    tmp_path: Path, record: RecordingsWriter
) -> None:
    record("wavs/a.WAV", "wavs/b.wav", "wavs/b.WAV", "wavs/c.flac")
    (tmp_path / "metadata.csv").write_text("a.wav|one\nb.wav|two\nc.wav|three\n")
    listing = read_corpus(tmp_path)
    assert [row.audio_path.name for row in listing.recordings] == ["a.WAV", "b.wav", "c.flac"]
    assert listing.faults == ()
    assert listing.notices == (
        "1 row names a recording with another extension than it has (c.wav is read from wavs/c.flac)",
    )


def test_a_link_to_a_recording_or_to_a_folder_of_them_is_a_recording(tmp_path: Path, record: RecordingsWriter) -> None:
    record("elsewhere/one.wav", "elsewhere/more/two.wav")
    root = tmp_path / "corpus"
    (root / "wavs").mkdir(parents=True)
    (root / "wavs" / "a.wav").symlink_to(tmp_path / "elsewhere" / "one.wav")
    (root / "wavs" / "more").symlink_to(tmp_path / "elsewhere" / "more")
    (root / "wavs" / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    (root / "wavs" / "loop.wav").symlink_to(root / "wavs" / "loop.wav")
    (root / "metadata.csv").write_text("a|one\nmore/two|two\ngone|three\nloop|four\n")
    listing = read_corpus(root)
    assert [row.id for row in listing.recordings] == ["a", "more/two"]
    assert [(fault.id, fault.kind) for fault in listing.faults] == [
        ("gone", "missing file"),
        ("loop", "missing file"),
    ]


def test_a_name_with_an_accent_is_found_in_either_of_its_unicode_forms(
    tmp_path: Path, record: RecordingsWriter
) -> None:
    record("wavs/cafe\u0301.wav", "wavs/na\u00efve.wav")
    (tmp_path / "metadata.csv").write_text("caf\u00e9|one\nnai\u0308ve|two\n", encoding="utf-8")
    assert len(read_corpus(tmp_path).recordings) == 2


def test_kaldi_paths_may_be_relative_to_a_folder_above_or_to_the_current_one(
    tmp_path: Path, record: RecordingsWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    record("egs/downloads/a.wav", "here/b.wav")
    root = tmp_path / "egs" / "data" / "train"
    root.mkdir(parents=True)
    (root / "wav.scp").write_text("a downloads/a.wav\nb b.wav\n")
    (root / "text").write_text("a A\nb B\n")
    (root / "utt2spk").write_text("a a\nb b\n")  # nobody knows who speaks
    monkeypatch.chdir(tmp_path / "here")
    paths = [(row.audio_path.resolve(), row.speaker) for row in read_corpus(root).recordings]
    resolved = tmp_path.resolve()
    assert paths == [(resolved / "egs/downloads/a.wav", None), (resolved / "here/b.wav", None)]


def test_thirteen_thousand_rows_are_listed_in_a_moment(tmp_path: Path) -> None:
    (tmp_path / "wavs").mkdir()
    text = "Printing, in the only sense with which we are at present concerned, differs from most if not from all"
    names = [f"LJ{index:05}" for index in range(13100)]
    for name in names:
        os.close(os.open(tmp_path / "wavs" / f"{name}.wav", os.O_CREAT))
    (tmp_path / "metadata.csv").write_text("".join(f"{name}|{text}|{text}\n" for name in names))
    before = time.process_time()
    listing = read_corpus(tmp_path)
    assert time.process_time() - before < 2.0  # a third of a second on one core; a file system call a row takes longer
    assert len(listing.recordings) == 13100


def test_listing_a_folder_needs_no_torch() -> None:
    code = "import sys, data.layouts; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).resolve().parents[3])
