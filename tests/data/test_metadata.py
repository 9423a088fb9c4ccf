"""Metadata files: what is read, what is refused by its line, and what is set aside."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs import InputError
from data.metadata import Recording, read_metadata, split_validation

CorpusMaker = Callable[..., Path]
COLUMNS = ("id", "raw_text", "text")


def refuse(root: Path, sentence: str, columns: tuple[str, ...] = COLUMNS, metadata: str = "metadata.csv") -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        read_metadata(root, metadata, columns)
    assert "\n" not in str(caught.value)


def recordings(ids: list[str]) -> list[Recording]:
    return [Recording(name, "x", None, Path(name), Path("metadata.csv"), line) for line, name in enumerate(ids, 1)]


def test_quotes_are_text_and_every_line_is_a_row(make_corpus: CorpusMaker) -> None:
    root = make_corpus(['a|"Yes|"No', 'b|"|he said "no"', 'c|"x|x'])
    assert [row.text for row in read_metadata(root, "metadata.csv", COLUMNS)] == ['"No', 'he said "no"', "x"]


def test_a_byte_order_mark_windows_line_ends_and_blank_lines_do_no_harm(make_corpus: CorpusMaker) -> None:
    root = make_corpus(["a|raw|one", "b|raw|two"])
    (root / "metadata.csv").write_bytes("\ufeffa|raw|one\r\n\r\n  \r\nb|raw|two\u2028more\r\n".encode())
    rows = read_metadata(root, "metadata.csv", COLUMNS)
    assert [(row.id, row.text, row.line) for row in rows] == [("a", "one", 1), ("b", "two\u2028more", 4)]


def test_an_id_may_carry_its_extension_and_a_folder(make_corpus: CorpusMaker) -> None:
    root = make_corpus(["a|one", "b|two"])
    (root / "wavs" / "reader").mkdir()
    (root / "wavs" / "b.wav").rename(root / "wavs" / "reader" / "b.1.flac")
    (root / "metadata.csv").write_text("a.wav|one\nreader/b.1|two\n")
    rows = read_metadata(root, "metadata.csv", ("id", "text"))
    assert [row.id for row in rows] == ["a", "reader/b.1"]
    assert [row.audio_path for row in rows] == [root / "wavs" / "a.wav", root / "wavs" / "reader" / "b.1.flac"]


def test_speakers_are_read_where_there_is_a_column_for_them(multispeaker: Path) -> None:
    rows = read_metadata(multispeaker, "metadata.csv", ("id", "speaker", "text"))
    assert len(rows) == 92
    assert {row.speaker for row in rows} == {"ljspeech", "kathleen", "p225", "p226", "p227", "p239"}


def test_all_of_ljspeech_is_read_as_it_is_written(ljspeech: Path) -> None:
    rows = read_metadata(ljspeech, "metadata.csv", COLUMNS)
    lines = (ljspeech / "metadata.csv").read_text(encoding="utf-8").splitlines()
    assert [f"{row.id}|{row.text}" for row in rows] == [f"{line.split('|')[0]}|{line.split('|')[2]}" for line in lines]
    assert {row.speaker for row in rows} == {None}


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("b|two", r"has 2 columns where 3 are expected \(id\|raw_text\|text\).*data\.columns"),
        ("b|two|two|two", "has 4 columns where 3"),
        ("b|two|  ", "the text is empty"),
        ("|two|two", "the id is empty"),
        ("gone|two|two", r"gone\.wav or .*gone\.flac does not exist"),
        ("gone.flac|two|two", r"wavs/gone\.flac does not exist"),
        ("x" * 300 + "|two|two", "does not exist"),
        ("a|two|two", "the id 'a' is already on line 1"),
        ("a.wav|two|two", "the id 'a' is already on line 1"),
        ("../wavs/a|two|two", "is not the name of a file inside wavs/"),
        ("..\\wavs\\a|two|two", "is not the name of a file inside wavs/"),
        ("/etc/passwd|two|two", "is not the name of a file inside wavs/"),
        ("C:\\a|two|two", "is not the name of a file inside wavs/"),
        ("a\0|two|two", "is not the name of a file inside wavs/"),
    ],
)
def test_a_line_at_fault_is_named(make_corpus: CorpusMaker, row: str, sentence: str) -> None:
    root = make_corpus(["a|one|one"])
    (root / "metadata.csv").write_text(f"a|one|one\n{row}\n")
    refuse(root, rf"metadata\.csv line 2: .*{sentence}")


def test_an_empty_speaker_is_a_fault(make_corpus: CorpusMaker) -> None:
    refuse(make_corpus(["a||one"]), "line 1: the speaker is empty", ("id", "speaker", "text"))


def test_the_first_fault_is_told_and_the_rest_are_counted(make_corpus: CorpusMaker) -> None:
    root = make_corpus(["a|one|one"])
    (root / "metadata.csv").write_text("a|one|one\nb|x\nc|x\nd||\n")
    refuse(root, r"line 2: has 2 columns.*\(2 more rows have faults\)$")
    (root / "metadata.csv").write_text("a|one|one\nb|x\nc|x\n")
    refuse(root, r"\(1 more row has a fault\)$")


def test_text_that_is_not_utf_8_is_named_by_its_line(make_corpus: CorpusMaker) -> None:
    root = make_corpus(["a|one|one", "b|caf\u00e9|caf\u00e9"], encoding="latin-1")
    refuse(root, r"metadata\.csv line 2: is not UTF-8")


def test_a_folder_or_file_that_is_not_there_is_named_with_what_is_expected(make_corpus: CorpusMaker) -> None:
    root = make_corpus(["a|one|one"])
    refuse(root / "absent", r"absent: there is no such folder: set data\.root")
    refuse(root, r"train\.csv: there is no such file: it should hold .*id\|raw_text\|text", metadata="train.csv")
    (root / "metadata.csv").write_text("\n \r\n")
    refuse(root, r"metadata\.csv: has no rows: it should hold")


@given(st.lists(st.text("abcdef0123", min_size=1), min_size=2, max_size=40, unique=True), st.data())
def test_the_validation_split_does_not_depend_on_the_order_of_rows(ids: list[str], data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(ids) - 1))
    shuffled = data.draw(st.permutations(ids))
    train, validation = split_validation(recordings(ids), count)
    _, again = split_validation(recordings(shuffled), count)
    assert {row.id for row in validation} == {row.id for row in again}
    assert len(validation) == count
    assert sorted(row.line for row in (*train, *validation)) == list(range(1, len(ids) + 1))
    assert train == sorted(train, key=lambda row: row.line)


def test_rows_that_are_added_move_no_more_rows_than_they_are() -> None:
    old, new = [f"old{index}" for index in range(200)], [f"new{index}" for index in range(20)]
    before = {row.id for row in split_validation(recordings(old), 50)[1]}
    after = {row.id for row in split_validation(recordings(new + old), 50)[1]}
    assert after - set(new) <= before
    assert len(before - after) == len(after & set(new)) > 0


def test_a_split_that_leaves_nothing_to_train_on_is_refused() -> None:
    for count in (3, 4):
        sentence = re.escape(f"data.validation_clips = {count} leaves nothing to train on: there are 3 recordings")
        with pytest.raises(InputError, match=sentence + ".*lower data.validation_clips"):
            split_validation(recordings(["a", "b", "c"]), count)
