"""Recordings that are not called, or do not lie, as the layouts have it: each is found, and told in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from configs import InputError
from data.faults import FaultKind
from data.layouts import Listing, read_corpus

RecordingsWriter = Callable[..., None]

NAMES = [f"clip{index}" for index in range(4)]


def corpus(root: Path, record: RecordingsWriter, name: str, audio: str = "wavs/{}.wav") -> Path:
    """A corpus whose rows call the recordings as `name` says, with {} for the stem and {root} for the folder."""
    record(*(f"corpus/{audio.format(stem)}" for stem in NAMES))
    rows = [f"{name.replace('ROOT', str(root / 'corpus')).format(stem)}|The text of {stem}.\n" for stem in NAMES]
    (root / "corpus" / "metadata.csv").write_text("".join(rows))
    return root / "corpus"


def found(listing: Listing) -> list[str]:
    assert listing.faults == ()
    assert [row.text for row in listing.recordings] == [f"The text of {stem}." for stem in NAMES]
    return [row.audio_path.as_posix() for row in listing.recordings]


@pytest.mark.parametrize(
    ("name", "audio", "told"),
    [
        (
            "{}.mp3",
            "wavs/{}.wav",
            "4 rows name a recording with another extension than it has (clip0.mp3 is read from wavs",
        ),
        (
            "{}.mp3",
            "clips/{}.flac",
            "4 rows name a recording that was found by looking into every folder (clip0.mp3 is",
        ),
        ("{}", "verified/{}.flac", "found by looking into every folder (clip0 is read from verified/clip0.flac)"),
        ("{}", "a/b/c/{}.ogg", "found by looking into every folder (clip0 is read from a/b/c/clip0.ogg)"),
        ("b/{}.ogg", "a/b/{}.ogg", "found by looking into every folder (b/clip0.ogg is read from a/b/clip0.ogg)"),
        ("CLIP{}", "wavs/CLIP{}.wav", ""),
        ("ROOT/wavs/{}.wav", "wavs/{}.wav", "a path from elsewhere (/"),
        (
            "../corpus/wavs/{}.wav",
            "wavs/{}.wav",
            "a path from elsewhere (../corpus/wavs/clip0.wav is read from wavs/clip0",
        ),
        (
            "corpus/wavs/{}.wav",
            "wavs/{}.wav",
            "a path from elsewhere (corpus/wavs/clip0.wav is read from wavs/clip0.wav)",
        ),
        ("/home/ann/data/wavs/{}.wav", "wavs/{}.wav", "(/home/ann/data/wavs/clip0.wav is read from wavs/clip0.wav)"),
        ("C:\\data\\wavs\\{}.wav", "wavs/{}.wav", "is read from wavs/clip0.wav)"),
        ("DUMMY1/{}.wav", "wavs/{}.wav", "a path from elsewhere (DUMMY1/clip0.wav is read from wavs/clip0.wav)"),
        ("~/corpus/wavs/{}.wav", "wavs/{}.wav", "a path from elsewhere (~/corpus/wavs/clip0.wav is read from wavs/"),
        ("Wavs/{}.WAV", "wavs/{}.wav", "(Wavs/clip0.WAV is read from wavs/clip0.wav)"),
    ],
)
def test_a_recording_is_found_whatever_the_row_makes_of_its_name(
    tmp_path: Path, record: RecordingsWriter, monkeypatch: pytest.MonkeyPatch, name: str, audio: str, told: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    root = corpus(tmp_path, record, name, audio)
    for place in (root, Path("corpus")):
        listing = read_corpus(place)
        assert found(listing) == [(place / audio.format(stem)).as_posix() for stem in NAMES]
        assert len(listing.notices) == bool(told)
        assert told in "".join(listing.notices)
        assert len({row.id for row in listing.recordings}) == len(NAMES)


def test_names_that_differ_only_in_capitals_are_found_unless_two_do(tmp_path: Path, record: RecordingsWriter) -> None:
    record("wavs/Clip0.WAV", "wavs/clip1.wav", "wavs/a.wav", "wavs/A.wav")
    (tmp_path / "metadata.csv").write_text("clip0|One.\nCLIP1|Two.\na|Three.\nA|Four.\n")
    listing = read_corpus(tmp_path)
    assert [row.audio_path.name for row in listing.recordings] == ["Clip0.WAV", "clip1.wav", "a.wav", "A.wav"]
    assert listing.notices == (
        "2 rows name a recording with other capital letters than it has (clip0 is read from wavs/Clip0.WAV)",
    )
    record("wavs/b.x.wav", "wavs/B.X.wav")
    (tmp_path / "metadata.csv").write_text("a|One.\nb.X|Two.\n")
    assert [fault.kind for fault in read_corpus(tmp_path).faults] == [FaultKind.MISSING_FILE]


def test_a_name_that_two_folders_have_is_not_guessed(tmp_path: Path, record: RecordingsWriter) -> None:
    record("ann/1.wav", "bob/1.wav", "bob/2.wav")
    (tmp_path / "metadata.csv").write_text("1|One.\n2|Two.\nann/1|Three.\n")
    listing = read_corpus(tmp_path)
    assert [row.text for row in listing.recordings] == ["Two.", "Three."]
    assert "1 may be ann/1.wav and bob/1.wav: name the folder, too" in listing.faults[0].detail


@pytest.mark.parametrize(
    "name", ["../{}.wav", "/{}.wav", "ROOT/../{}.wav", "wavs/../../{}.wav", "~/{}.wav", "../wavs/{}.wav"]
)
def test_what_lies_outside_is_not_read_however_it_is_named(
    tmp_path: Path, record: RecordingsWriter, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    root = corpus(tmp_path, record, name, "wavs/x{}.wav")
    record(*(f"{stem}.wav" for stem in NAMES), *(f"wavs/{stem}.wav" for stem in NAMES))
    with pytest.raises(InputError, match=r"none of 4 rows can be used \(path escape 4"):
        read_corpus(root)


def test_links_out_of_the_corpus_are_followed_and_told_or_refused(tmp_path: Path, record: RecordingsWriter) -> None:
    root = corpus(tmp_path, record, "{}")
    record("elsewhere/one.wav")
    (root / "wavs" / "clip0.wav").unlink()
    (root / "wavs" / "clip0.wav").symlink_to(tmp_path / "elsewhere" / "one.wav")
    (root / "wavs" / "clip1.wav").rename(root / "clip1.wav")
    (root / "wavs" / "clip1.wav").symlink_to(root / "clip1.wav")  # it stays inside
    listing = read_corpus(root)
    assert len(found(listing)) == 4
    assert listing.notices == (
        f"1 file is a link out of the folder (wavs/clip0.wav leads to {(tmp_path / 'elsewhere/one.wav').resolve()}), "
        "and followed; data.strict=true refuses it",
    )
    strict = read_corpus(root, strict=True)
    assert [(fault.id, fault.kind) for fault in strict.faults] == [("clip0", FaultKind.PATH_ESCAPE)]
    assert "is a link to" in strict.faults[0].detail
    assert strict.notices == ()


@pytest.mark.parametrize("linked", ["wavs", "metadata.csv", "wavs/clip0.txt"])
def test_links_of_folders_tables_and_transcripts_follow_the_same_policy(
    tmp_path: Path, record: RecordingsWriter, linked: str
) -> None:
    root = corpus(tmp_path, record, "{}")
    if linked.endswith(".txt"):
        (root / "metadata.csv").unlink()
        for stem in NAMES:
            (root / "wavs" / f"{stem}.txt").write_text(f"The text of {stem}.")
    (root / linked).rename(tmp_path / "elsewhere")
    (root / linked).symlink_to(tmp_path / "elsewhere")
    listing = read_corpus(root)
    assert len(found(listing)) == 4
    assert len(listing.notices) == 1
    assert "out of the folder" in listing.notices[0]
    if linked.endswith(".txt"):
        assert [fault.kind for fault in read_corpus(root, strict=True).faults] == [FaultKind.PATH_ESCAPE]
    else:
        with pytest.raises(InputError, match=r"is a link to .*data\.strict"):
            read_corpus(root, strict=True)


def test_a_corpus_may_itself_be_reached_by_a_link(tmp_path: Path, record: RecordingsWriter) -> None:
    corpus(tmp_path, record, "{}")
    (tmp_path / "link").symlink_to(tmp_path / "corpus")
    listing = read_corpus(tmp_path / "link", strict=True)
    assert len(found(listing)) == 4
    assert listing.notices == ()


def test_a_folder_that_leads_back_into_itself_ends_the_search(tmp_path: Path, record: RecordingsWriter) -> None:
    root = corpus(tmp_path, record, "{}", "verified/{}.wav")
    (root / "verified" / "again").symlink_to(root)
    with (root / "metadata.csv").open("a") as file:
        file.write("nowhere|Text.\n")
    listing = read_corpus(root)
    assert [fault.id for fault in listing.faults] == ["nowhere"]
    assert len(listing.recordings) == 4


def test_texts_beside_recordings_or_in_a_folder_of_their_own_are_read(tmp_path: Path, record: RecordingsWriter) -> None:
    for place, ending in (("wavs", "lab"), ("txt", "txt")):
        root = corpus(tmp_path / ending, lambda *names: record(*(f"{ending}/{name}" for name in names)), "{}")  # noqa: B023
        (root / "metadata.csv").unlink()
        (root / place).mkdir(exist_ok=True)
        for stem in NAMES:
            (root / place / f"{stem}.{ending}").write_text(f"The text of {stem}.")
        assert len(found(read_corpus(root))) == 4


@pytest.mark.parametrize(
    ("recording", "transcript", "speaker"),
    [
        ("{speaker}/{name}.wav", "{speaker}/{name}.lab", True),
        ("{speaker}/{name}.wav", "{speaker}/{name}.wav.txt", True),
        ("wavs/{speaker}/{name}.wav", "txt/{speaker}/{name}.txt", True),
        ("wavs/{speaker}/{name}.wav", "txt/{name}.txt", True),
        ("{speaker}/wav/{name}.wav", "{speaker}/txt/{name}.txt", True),
        ("train/{speaker}/{name}.wav", "train/{speaker}/{name}.txt", True),
        ("{speaker}/book/{chapter}/{name}.wav", "{speaker}/book/{chapter}/{name}.txt", True),
        ("{speaker}/{chapter}/{name}.wav", "{speaker}/{chapter}/{name}.txt", True),
        ("audio/takes/{name}.wav", "texts/{name}.txt", False),
        ("{part}/book/{name}.wav", "{part}/book/{name}.lab", False),
    ],
)
def test_the_outermost_folders_that_differ_are_the_speakers_of_recordings_with_texts(
    tmp_path: Path, record: RecordingsWriter, recording: str, transcript: str, speaker: bool
) -> None:
    rows = [
        {"name": f"r{index}", "speaker": "ann" if index % 2 else "bob", "chapter": f"c{index % 3}", "part": part}
        for index, part in enumerate(["train", "train", "dev", "train", "test", "train", "dev"])
    ]
    for row in rows:
        record(recording.format(**row))
        path = tmp_path / transcript.format(**row)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"The text of {row['name']}.")
    listing = read_corpus(tmp_path)
    assert (listing.layout, listing.faults) == ("pairs", ())
    said = {(row.audio_path.stem, row.text, row.speaker) for row in listing.recordings}
    assert said == {(row["name"], f"The text of {row['name']}.", row["speaker"] if speaker else None) for row in rows}
    told = ("names of folders are taken for 2 speakers, such as ann and bob",)
    assert listing.notices in ((told, (told[0].replace("ann and bob", "bob and ann"),)) if speaker else ((),))


def test_a_shared_folder_of_texts_names_once_what_has_no_recording(tmp_path: Path, record: RecordingsWriter) -> None:
    record("wavs/ann/a.wav", "wavs/bob/b.wav")
    (tmp_path / "txt").mkdir()
    for stem in ("a", "b", "gone"):
        (tmp_path / "txt" / f"{stem}.txt").write_text(f"The text of {stem}.")
    listing = read_corpus(tmp_path)
    assert [(row.text, row.speaker) for row in listing.recordings] == [
        ("The text of a.", "ann"),
        ("The text of b.", "bob"),
    ]
    assert [fault.kind for fault in listing.faults] == ["missing file"]


def test_a_label_file_with_times_is_no_text(tmp_path: Path, record: RecordingsWriter) -> None:
    record("a.wav", "b.wav", "c.wav")
    for stem, text in (("a", "0 50000 sil\n50000 90000 ah\n"), ("b", "It is 5 past 6."), ("c", "5 6 seven eight")):
        (tmp_path / f"{stem}.lab").write_text(text)
    listing = read_corpus(tmp_path)
    assert [row.id for row in listing.recordings] == ["b", "c"]
    assert "holds the times of sounds" in listing.faults[0].detail
