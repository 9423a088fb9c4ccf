"""Each column of a table is known by what its cells hold."""

import csv
import io
import itertools
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.layouts import read_corpus
from tests.data.layouts.tables import (
    CONSTANT,
    FILES,
    FRAMES,
    HASHES,
    IPA,
    LENGTHS,
    NAMES,
    NUMBERED,
    SPEAKERS,
    SPOKEN,
    TEXTS,
    alone,
    bars,
    heard,
    spoken_by,
    write,
)

RecordingsWriter = Callable[..., None]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ((FILES, TEXTS, SPEAKERS), spoken_by(TEXTS)),
        ((NAMES, TEXTS, [""] * 12), alone(TEXTS)),
        ((NAMES, TEXTS, IPA), alone(TEXTS)),
        ((NAMES, IPA, TEXTS), alone(TEXTS)),
        ((NAMES, SPEAKERS, TEXTS, IPA), spoken_by(TEXTS)),
        ((NAMES, IPA, SPEAKERS, TEXTS), spoken_by(TEXTS)),
        ((NAMES, SPEAKERS, TEXTS, SPOKEN), spoken_by(SPOKEN)),
        ((NAMES, TEXTS, SPOKEN, SPEAKERS), spoken_by(SPOKEN)),
        ((NAMES, SPOKEN, TEXTS), alone(SPOKEN)),
        ((FILES, SPEAKERS, CONSTANT, TEXTS), spoken_by(TEXTS)),
        ((FILES, ["ann"] * 12, CONSTANT, TEXTS), spoken_by(TEXTS, ["ann"] * 12)),
        ((FILES, SPEAKERS, CONSTANT, TEXTS, IPA, ["0 1 2 0 3"] * 12), spoken_by(TEXTS)),
        ((FILES, NUMBERED, TEXTS), spoken_by(TEXTS, NUMBERED)),
        ((FILES, SPEAKERS, NUMBERED, TEXTS), spoken_by(TEXTS)),
        ((FILES, HASHES, TEXTS), spoken_by(TEXTS, HASHES)),
        ((NAMES, LENGTHS, TEXTS), alone(TEXTS)),
        ((NAMES, FRAMES, TEXTS), alone(TEXTS)),
        ((NAMES, SPEAKERS, LENGTHS, TEXTS), spoken_by(TEXTS)),
        ((NAMES, FILES, TEXTS), alone(TEXTS)),
        ((TEXTS, FILES), alone(TEXTS)),
        ((NAMES, SPEAKERS, ["happy", "sad"] * 6, TEXTS), spoken_by(TEXTS)),
        ((NAMES, SPEAKERS, ["m" if name == "bob" else "f" for name in SPEAKERS], TEXTS), spoken_by(TEXTS)),
        ((NAMES, SPEAKERS, ["scots" if name == "bob" else "irish" for name in SPEAKERS], TEXTS), spoken_by(TEXTS)),
        ((NAMES, TEXTS, [" ".join(["HH", "AH0", "L", "OW1"][index % 3 :]) for index in range(12)]), alone(TEXTS)),
    ],
)
def test_columns_between_bars_are_told_by_what_they_hold(
    tmp_path: Path, record: RecordingsWriter, columns: Sequence[Sequence[str]], expected: list[tuple[str, str | None]]
) -> None:
    assert heard(read_corpus(write(tmp_path, record, bars(*columns)))) == expected


def test_a_few_sentences_that_many_speakers_read_are_the_text(tmp_path: Path, record: RecordingsWriter) -> None:
    speakers = [f"spk{index // 2}" for index in range(60)]
    record(*(f"wavs/{index}.wav" for index in range(60)))
    for order in itertools.permutations((list(map(str, range(60))), speakers, TEXTS * 5)):
        (tmp_path / "metadata.csv").write_text(bars(*order))
        listing = read_corpus(tmp_path)
        assert [(row.text, row.speaker) for row in listing.recordings] == spoken_by(TEXTS * 5, speakers)


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("end", ["", "|", "||"])
def test_empty_columns_at_the_end_change_nothing(
    tmp_path: Path, record: RecordingsWriter, count: int, end: str
) -> None:
    record(*FILES)
    rows = [f"{name}|{text}{end}\n" for name, text in zip(NAMES, TEXTS, strict=True)]
    (tmp_path / "metadata.csv").write_text("".join(rows[:count]))
    listing = read_corpus(tmp_path)
    assert [row.text for row in listing.recordings] == TEXTS[:count]
    assert (listing.layout, listing.faults, listing.notices) == ("ljspeech", (), ())


def test_any_order_of_file_speaker_text_and_phonemes_is_read(tmp_path: Path, record: RecordingsWriter) -> None:
    record(*FILES)
    for order in itertools.permutations((FILES, SPEAKERS, TEXTS, IPA)):
        for delimiter in "|\t;,":
            written = io.StringIO()
            writer = csv.writer(written, delimiter=delimiter)
            writer.writerows(zip(*order, strict=True))
            (tmp_path / "metadata.csv").write_text(written.getvalue().replace("\r\n", "\n"))
            assert heard(read_corpus(tmp_path)) == spoken_by(TEXTS), (order, delimiter)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(8, 60),
    speakers=st.integers(2, 4),
    delimiter=st.sampled_from("\t;,"),
    header=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_a_table_of_sentences_and_speakers_is_read_however_it_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    rows: int,
    speakers: int,
    delimiter: str,
    header: bool,
    line_end: str,
    quoting: int,
) -> None:
    root, chance = tmp_path_factory.mktemp("corpus"), random.Random(seed)
    words = " ".join(TEXTS).split()
    texts = [" ".join(chance.choices(words, k=chance.randint(3, 12))) for _ in range(rows)]
    if delimiter != "\t" or quoting == csv.QUOTE_ALL:
        texts[0] += f'{delimiter} "so" he\nsaid'  # a cell that has to be quoted
    table = [[f"x{index}.mp3" for index in range(rows)], texts, [f"voice {index % speakers}" for index in range(rows)]]
    names = ["datei", "satz", "person"]
    order = chance.sample(range(3), 3)
    (root / "clips").mkdir()
    for name in table[0]:
        (root / "clips" / name).touch()
    with (root / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type]
        if header:
            writer.writerow(names[index] for index in order)
        writer.writerows([table[index][row] for index in order] for row in range(rows))
    listing = read_corpus(root)
    assert [(row.text, row.speaker) for row in listing.recordings] == list(zip(texts, table[2], strict=True))
    assert listing.faults == ()


def test_an_ljspeech_row_without_normalised_text_is_read_from_its_raw_text(
    tmp_path: Path, record: RecordingsWriter
) -> None:
    record("wavs/a.wav", "wavs/b.wav", "wavs/c.wav", "wavs/d.wav")
    rows = ["a|Mr. One said it.|Mister One said it.", "b|It is 2.|", "c|Dr. Three did.|Doctor Three did.", "d|Four.| "]
    (tmp_path / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
    for layout in ("auto", "ljspeech"):
        listing = read_corpus(tmp_path, layout=layout)
        assert [row.text for row in listing.recordings] == [
            "Mister One said it.",
            "It is 2.",
            "Doctor Three did.",
            "Four.",
        ]
        assert (listing.layout, listing.faults) == ("ljspeech", ())
        assert listing.notices == (
            "2 rows have no normalised text in column 3, so column 2 is read and normalised (b, line 2)",
        )
