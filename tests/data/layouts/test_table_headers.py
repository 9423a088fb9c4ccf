"""Metadata in foreign conventions: headers, separators, quotes and encodings; what is not known is asked."""

import csv
import io
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs import ColumnSettings, InputError
from data.layouts import read_corpus
from tests.data.layouts.tables import (
    FILES,
    HASHES,
    IPA,
    NAMES,
    SPEAKERS,
    TEXTS,
    TRANSLATIONS,
    alone,
    bars,
    heard,
    spoken_by,
    write,
)

RecordingsWriter = Callable[..., None]


def test_a_header_names_its_columns_and_the_others_are_told(tmp_path: Path, record: RecordingsWriter) -> None:
    content = "audio_file|text|speaker_name|emotion_name\n" + bars(FILES, TEXTS, SPEAKERS, ["neutral"] * 12)
    listing = read_corpus(write(tmp_path, record, content))
    assert heard(listing) == spoken_by(TEXTS)
    assert listing.notices == (
        "metadata.csv is read as a table of |, with a header: file = audio_file, text = text, speaker = speaker_name; "
        "not read: emotion_name",
    )
    assert listing.recordings[0].line == 2


COMMON_VOICE = (
    "client_id path sentence_id sentence sentence_domain up_votes down_votes age gender accents variant locale segment"
)


def test_common_voice_is_read_with_all_its_columns(tmp_path: Path, record: RecordingsWriter) -> None:
    record(*(f"clips/{name}.wav" for name in NAMES))
    rows = [COMMON_VOICE.split()]
    for name, client, text in zip(NAMES, HASHES, TEXTS, strict=True):
        rows.append([client, f"{name}.mp3", name * 9, text, "", "2", "0", "twenties", "male", "", "", "de", ""])
    for file_name in ("validated.tsv", "invalidated.tsv"):
        (tmp_path / file_name).write_text("".join("\t".join(row) + "\n" for row in rows))
    listing = read_corpus(tmp_path)
    assert heard(listing) == spoken_by(TEXTS, HASHES)
    assert [row.file.name for row in listing.recordings] == ["validated.tsv"] * 12
    assert "file = path, text = sentence, speaker = client_id; not read: sentence_id, up_votes" in listing.notices[0]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("Name;Text\r\n{}", "utf-8-sig"),
        ("sep=;\r\nName;Text\r\n{}", "cp1252"),
        ("Name;Text\r\n{}", "utf-16"),
        ("Name;Text\r\n{}", "utf-16-le"),
    ],
)
def test_what_excel_saves_is_read(tmp_path: Path, record: RecordingsWriter, content: str, encoding: str) -> None:
    texts = [f"Grüße, {text.replace(';', ',')}" for text in TEXTS]
    rows = "".join(f"{name}.wav;{text}\r\n" for name, text in zip(NAMES, texts, strict=True))
    listing = read_corpus(write(tmp_path, record, content.format(rows), encoding=encoding))
    assert [row.text for row in listing.recordings] == texts
    assert {fault.kind for fault in listing.faults} == {"BOM or CRLF or non-UTF-8"}


def test_a_workbook_is_refused_with_what_to_do(tmp_path: Path, record: RecordingsWriter) -> None:
    record(*FILES)
    for name in ("metadata.xlsx", "metadata.csv"):
        (tmp_path / name).write_bytes(b"PK\x03\x04 and so on")
        with pytest.raises(InputError, match=rf"{name}: is an Excel workbook: save it as CSV UTF-8"):
            read_corpus(tmp_path)


def test_commas_that_nobody_quoted_are_those_of_the_text(tmp_path: Path, record: RecordingsWriter) -> None:
    texts = [*TEXTS[:-1], "He paid 1,000 pounds, at last."]
    for header in ("", "path,speaker,sentence\n"):
        content = header + "".join(",".join(row) + "\n" for row in zip(FILES, SPEAKERS, texts, strict=True))
        assert heard(read_corpus(write(tmp_path, record, content))) == spoken_by(texts)


def test_a_pipe_table_is_quoted_only_where_its_quotes_cannot_be_of_the_text(
    tmp_path: Path, record: RecordingsWriter
) -> None:
    texts = [f'"{text}"' for text in TEXTS]
    assert heard(read_corpus(write(tmp_path, record, bars(NAMES, texts)))) == alone(texts)
    texts[3] = '"He said ""no"" | and left"'
    content = bars(NAMES, texts)
    assert heard(read_corpus(write(tmp_path, record, content)))[3] == ('He said "no" | and left', None)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"text": "english"}, alone(TRANSLATIONS)),
        ({"text": "German", "speaker": "Wer spricht"}, spoken_by(TEXTS)),
        ({"file": 1, "text": 3, "speaker": "none"}, alone(TRANSLATIONS)),
        ({"file": "Aufnahme", "text": "english", "speaker": 4}, spoken_by(TRANSLATIONS)),
    ],
)
def test_the_settings_choose_columns_by_name_or_by_number(
    tmp_path: Path, record: RecordingsWriter, asked: dict[str, object], expected: list[tuple[str, str | None]]
) -> None:
    speakers = SPEAKERS if "speaker" in asked else [""] * 12
    content = "Aufnahme|German|English|wer spricht\n" + bars(NAMES, TEXTS, TRANSLATIONS, speakers)
    listing = read_corpus(write(tmp_path, record, content), columns=ColumnSettings.model_validate(asked))
    assert heard(listing) == expected


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path, record: RecordingsWriter) -> None:
    write(tmp_path, record, "a;b\n" + "".join(f"{name};x y\n" for name in NAMES))
    for asked in ({"file": "pfad", "text": "b"}, {"text": "b", "speaker": "3"}, {"file": "a", "text": "a"}):
        with pytest.raises(InputError, match=r"metadata\.csv: data\.columns"):
            read_corpus(tmp_path, columns=ColumnSettings.model_validate(asked))
    with pytest.raises(InputError, match="its columns are a, b; give one of these or a number from 1 to 2"):
        read_corpus(tmp_path, columns=ColumnSettings(file="pfad", text="b"))


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        ((NAMES, TEXTS, TRANSLATIONS), r"text 'Hello there, my friend\.': data\.columns\.text=2"),
        (
            (NAMES, SPEAKERS, ["chat", "news"] * 6, TEXTS),
            r"speaker 'chat', .*: data\.columns\.text=4 data\.columns\.speaker=3",
        ),
        ((NAMES, ["m", "f"] * 6, TEXTS), r"piper \(file 'clip0', speaker 'm', .*: data\.format=piper\)"),
        ((NAMES, ["en", "de"] * 6, TEXTS), r"ljspeech \(file 'clip0', text .*: data\.format=ljspeech\)"),
    ],
)
def test_what_the_cells_do_not_tell_is_shown_in_each_reading_with_the_setting_that_chooses_it(
    tmp_path: Path, record: RecordingsWriter, columns: Sequence[Sequence[str]], shown: str
) -> None:
    write(tmp_path, record, bars(*columns))
    with pytest.raises(InputError, match=r"metadata\.csv line 1: may be .* and .*choose one") as caught:
        read_corpus(tmp_path)
    with pytest.raises(InputError, match=shown):
        read_corpus(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("columns", [(NAMES, IPA), (NAMES, SPEAKERS, IPA)])
def test_phonemes_are_not_read_as_a_text(
    tmp_path: Path, record: RecordingsWriter, columns: Sequence[Sequence[str]]
) -> None:
    with pytest.raises(InputError, match=r"no column holds a text \(clip0 \| .*data\.columns\.text"):
        read_corpus(write(tmp_path, record, bars(*columns)))


def test_a_first_row_whose_recording_is_missing_is_no_header(tmp_path: Path, record: RecordingsWriter) -> None:
    for row in ("gone|Yes.", "gone|yes indeed", "clip99|yes"):
        write(tmp_path, record, f"{row}\n" + bars(NAMES, TEXTS))
        listing = read_corpus(tmp_path)
        assert [(fault.line, fault.kind) for fault in listing.faults] == [(1, "missing file")], row


@pytest.mark.parametrize(
    "header",
    [
        ("Dateiname", "Gesprochener Text in voller Länge", "Name der Sprecherin"),
        ("Archivo", "Transcripción", "Locutor"),
        ("Nombre del archivo de audio", "Texto de la frase leída (revisado)", "Voz"),
        ("fichier", "ce qui est dit dans l-enregistrement", "locuteur"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_a_header_may_be_as_long_as_the_texts_and_of_any_language(
    tmp_path: Path, record: RecordingsWriter, header: tuple[str, str, str], encoding: str, delimiter: str
) -> None:
    short = [f"{index} or so." for index in range(12)]  # no longer than their name
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerows([header, *zip(FILES, short, SPEAKERS, strict=True)])
    listing = read_corpus(write(tmp_path, record, written.getvalue(), encoding=encoding))
    assert [(row.text, row.speaker) for row in listing.recordings] == spoken_by(short)
    assert listing.rows == 12
    assert f"file = {header[0]}, text = {header[1]}, speaker = {header[2]}" in listing.notices[0]


@pytest.mark.parametrize("there", [12, 9])
def test_recordings_that_are_numbered_are_told_from_speakers_that_are(
    tmp_path: Path, record: RecordingsWriter, there: int
) -> None:
    numbers, speakers = [str(index + 1) for index in range(12)], [str(index % 3 + 1) for index in range(12)]
    record(*(f"wavs/{number}.wav" for number in numbers[:there]))
    for order in itertools.permutations((numbers, speakers, TEXTS)):
        (tmp_path / "metadata.csv").write_text(bars(*order))
        listing = read_corpus(tmp_path)
        assert [(row.text, row.speaker) for row in listing.recordings] == spoken_by(TEXTS, speakers)[:there]
        assert [fault.kind for fault in listing.faults] == ["missing file"] * (12 - there)


def test_of_single_words_that_are_repeated_any_may_be_the_speaker(tmp_path: Path, record: RecordingsWriter) -> None:
    names = [f"x{index}" for index in range(120)]
    record(*(f"wavs/{name}.wav" for name in names))
    speakers = [f"voice{index // 6}" for index in range(120)]
    for words in (["yes", "no", "up", "down", "left", "right"], ["visual", "follow"]):
        said = words * (120 // len(words))
        (tmp_path / "metadata.csv").write_text(bars(names, speakers, said))
        with pytest.raises(
            InputError, match=r"speaker 'voice0', text '(yes|visual)': data\.format=piper\) and .*choose"
        ):
            read_corpus(tmp_path)
        assert [(row.speaker, row.text) for row in read_corpus(tmp_path, layout="piper").recordings] == list(
            zip(speakers, said, strict=True)
        )


@pytest.mark.parametrize("clips", [[2] * 12, [2] * 11 + [1], [1] * 3 + [2] * 9, [11, 1]])
@pytest.mark.parametrize("first", [0, 1])
def test_speakers_with_numbers_are_speakers_however_few_clips_each_has(
    tmp_path: Path, record: RecordingsWriter, clips: list[int], first: int
) -> None:
    speakers = [str(number) for number, count in enumerate(clips, start=first) for _ in range(count)]
    names = [f"clip{index}" for index in range(len(speakers))]
    texts = [f"{TEXTS[index % 12]} {index}" for index in range(len(speakers))]
    record(*(f"wavs/{name}.wav" for name in names))
    for columns in ((names, speakers, texts), (names, texts, speakers), (names, speakers, texts, texts)):
        (tmp_path / "metadata.csv").write_text(bars(*columns))
        assert [row.speaker for row in read_corpus(tmp_path).recordings] == speakers


@pytest.mark.parametrize("lost", [1, 5, 11])
def test_a_row_that_lost_a_cell_changes_no_other(tmp_path: Path, record: RecordingsWriter, lost: int) -> None:
    for texts in (TEXTS, [text.replace(",", "") for text in TEXTS]):
        rows = [",".join(row) for row in zip(FILES, SPEAKERS, texts, strict=True)]
        rows[lost] = f"{FILES[lost]},broken"
        listing = read_corpus(write(tmp_path, record, "\n".join(rows)))
        expected = spoken_by(texts)
        assert [(row.text, row.speaker) for row in listing.recordings] == expected[:lost] + expected[lost + 1 :]
        assert [(fault.line, fault.kind) for fault in listing.faults] == [(lost + 1, "wrong number of columns")]


@settings(deadline=None, max_examples=60)
@given(
    order=st.permutations(range(3)),
    aside=st.integers(1, 3),
    words=st.sampled_from([["Yes."], ["Yes, I do.", "No."], ["one", "two", "three"]]),
    header=st.sampled_from([None, ["file", "text", "speaker"], ["pfad", "satz", "stimme"]]),
    delimiter=st.sampled_from("|\t;"),
)
def test_a_second_file_of_a_corpus_is_read_as_the_first_however_few_rows_it_has(
    tmp_path_factory: pytest.TempPathFactory,
    order: list[int],
    aside: int,
    words: list[str],
    header: list[str] | None,
    delimiter: str,
) -> None:
    root = tmp_path_factory.mktemp("corpus")
    (root / "wavs").mkdir()
    for name in (*NAMES, "v0", "v1", "v2"):
        (root / "wavs" / f"{name}.wav").touch()
    speakers = [str(index // 3) for index in range(12)]
    validation = [[f"v{index}", words[index % len(words)], str(index)] for index in range(aside)]
    for file, rows in (("train.csv", zip(NAMES, TEXTS, speakers, strict=True)), ("val.csv", validation)):
        lines = [delimiter.join([*row][index] for index in order) for row in ([header] if header else []) + [*rows]]
        (root / file).write_text("".join(f"{line}\n" for line in lines))
    first = read_corpus(root, metadata="train.csv")
    assert [(row.text, row.speaker) for row in first.recordings] == spoken_by(TEXTS, speakers)
    second = read_corpus(root, metadata="val.csv", like=first)
    assert [[row.id, row.text, row.speaker] for row in second.recordings] == validation


def test_a_second_file_with_other_columns_is_read_by_its_own(tmp_path: Path, record: RecordingsWriter) -> None:
    write(tmp_path, record, bars(NAMES, TEXTS, SPEAKERS))
    first = read_corpus(tmp_path)
    for content in (bars(NAMES, TEXTS), "speaker|file|text\n" + bars(SPEAKERS, NAMES, TEXTS)):
        (tmp_path / "val.csv").write_text(content)
        alike, alone_read = (read_corpus(tmp_path, metadata="val.csv", like=like) for like in (first, None))
        assert (alike.recordings, alike.faults) == (alone_read.recordings, ())


def test_columns_that_the_only_table_has_not_are_refused_by_name(tmp_path: Path, record: RecordingsWriter) -> None:
    write(tmp_path, record, "archivo;texto\n" + "".join(f"{name};x y\n" for name in NAMES), name="datos.csv")
    with pytest.raises(InputError, match=r"datos\.csv: data\.columns\.text = 'text' is no column.*archivo, texto"):
        read_corpus(tmp_path, columns=ColumnSettings(text="text"))


def test_a_table_of_any_name_is_found_by_its_recordings_and_two_are_left_to_the_user(
    tmp_path: Path, record: RecordingsWriter
) -> None:
    write(tmp_path, record, bars(NAMES, TEXTS), name="alles.psv")
    (tmp_path / "provenance.csv").write_text("name,seconds\nx,1\n")
    assert heard(read_corpus(tmp_path)) == alone(TEXTS)
    (tmp_path / "train.txt").write_text(bars(NAMES, TEXTS))
    with pytest.raises(InputError, match=r"alles\.psv, train\.txt each name its recordings: .*data\.metadata"):
        read_corpus(tmp_path)
    assert heard(read_corpus(tmp_path, metadata="train.txt")) == alone(TEXTS)


def test_json_lines_of_any_keys_are_read(tmp_path: Path, record: RecordingsWriter) -> None:
    content = "".join(
        f'{{"audio_filepath": "/data/elsewhere/{file}", "duration": 1.5, "text": "{text}"}}\n'
        for file, text in zip(FILES, TEXTS, strict=True)
    )
    assert heard(read_corpus(write(tmp_path, record, content, name="manifest.json"))) == alone(TEXTS)
