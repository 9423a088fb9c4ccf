"""Detection of the columns of a table: recording, text and speaker.

The settings name them, or the header does, or they are detected from the cells: recordings are files in the folder;
texts are long and varied; speakers are short and repeated. Other common columns are recognised, too: empty ones,
phonemes, numbers, languages and categories, a second spelling of the text. If several readings remain, all are
returned, and the user chooses.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from configs import ColumnSettings, InputError
from data.layouts.contents import Column, is_function, share_alike
from data.layouts.entries import without_extension
from data.layouts.table import Table

# Lower case, with _ for blanks, in order of preference.
FILE_NAMES = (
    *("file_name", "filename", "file", "path", "filepath", "file_path", "audio_file", "audio_path", "audio_filepath"),
    *("audio_filename", "audio", "wav_file", "wav_path", "wav_filename", "wav_filepath", "wav", "wave", "clip"),
    "recording",
    *("relative_path", "fname", "basename", "fileid", "file_id", "utterance_id", "utt_id", "clip_id", "audio_id", "id"),
)
TEXT_NAMES = (
    *("normalized_text", "normalised_text", "text_normalized", "text_normalised", "normalized_transcription"),
    *("normalized", "normalised", "text", "transcription", "transcript", "sentence", "utterance", "raw_text"),
    *("original_text", "label"),
)
SPEAKER_NAMES = (
    *("speaker", "speaker_id", "speaker_name", "speakerid", "speakername", "client_id", "spk", "spk_id", "spkid"),
    *("reader", "reader_id", "narrator", "voice", "voice_id", "speaker_code"),
)
NO_SPEAKERS = "none"  # value of data.columns.speaker that ignores a column of speakers

_HEADER_CELL = re.compile(r"[^\W\d][\w ()#/-]{0,39}")


@dataclass(frozen=True)
class Roles:
    """The indices of the columns."""

    file: int
    text: int
    speaker: int | None = None
    ignored: tuple[int, ...] = ()  # columns that are not read and do not repeat the text


@dataclass(frozen=True)
class Columns:
    """How a table is read, to read another file of the same corpus in the same way."""

    header: tuple[str, ...]  # empty if there is none
    count: int
    roles: Roles

    def given(self, header: Sequence[str], count: int) -> dict[str, int | None]:
        """The columns of another table by role: those of the same names, or else of the same positions.

        Args:
            header: of the other table; empty if it has none.
            count: of its columns.
        """
        known: dict[str, int | None] = {"file": self.roles.file, "text": self.roles.text, "speaker": self.roles.speaker}
        if self.header and header:
            names = [plain_name(cell) for cell in header]
            wanted = {role: None if at is None else plain_name(self.header[at]) for role, at in known.items()}
            return {
                role: None if name is None else names.index(name)
                for role, name in wanted.items()
                if name is None or name in names
            }
        return known if count == self.count and not is_known_header(header) else {}


def named_columns(header: Sequence[str], names: Sequence[str]) -> list[int]:
    """The indices of the columns with one of these names, in the order of the names."""
    plain = [plain_name(cell) for cell in header]
    return [plain.index(name) for name in names if name in plain]


def plain_name(cell: str) -> str:
    """The name of a column in lower case, with _ for blanks."""
    return re.sub(r"[\s-]+", "_", cell.strip().lower())


def is_known_header(cells: Sequence[str]) -> bool:
    """Whether a row has a known name for the recordings and one for the texts."""
    return bool(named_columns(cells, FILE_NAMES) and named_columns(cells, TEXT_NAMES))


def may_be_header(cells: Sequence[str], below: Sequence[Sequence[str]], *, file: int, usual: bool) -> bool:
    """Whether a row without a recording is a header with unknown names, above rows with recordings.

    Args:
        cells: of the row.
        below: the other rows, with as many cells.
        file: the column of the recordings.
        usual: whether such tables usually have a header; if not, the test is stricter.
    """
    filled = [cell for cell in cells if cell]
    if len(below) < 3 or len(set(filled)) < len(filled) or not all(_HEADER_CELL.fullmatch(cell) for cell in filled):
        return False
    if not cells[file] or _has_digit(cells[file]):
        return False
    if any(cell in {row[index] for row in below} for index, cell in enumerate(cells) if cell):
        return False
    if usual and all(_has_digit(row[file]) or without_extension(row[file]) != row[file] for row in below):
        return True  # all recordings have a digit or an extension in their names, but this cell does not
    # The name of the text column is shorter than the texts, and has fewer words.
    rest = [index for index in range(len(cells)) if index != file]
    text = max(rest, key=lambda index: sum(len(row[index]) for row in below), default=file)
    lengths, words = zip(*((len(row[text]), len(row[text].split())) for row in below), strict=True)
    if not usual and " " in cells[text]:
        return False
    return 2 * len(cells[text]) < sum(lengths) / len(below) and 2 * len(cells[text].split()) < sum(words) / len(below)


def _has_digit(cell: str) -> bool:
    return any(character.isdigit() for character in cell)


def settle_columns(asked: ColumnSettings, table: Table, header: Sequence[str], columns: int) -> dict[str, int | None]:
    """The columns that the settings name, by role.

    Raises:
        InputError: there is no such column.
    """
    found: dict[str, int | None] = {}
    for role in ("file", "text", "speaker"):
        name = getattr(asked, role)
        if name is None:
            continue
        names = [plain_name(cell) for cell in header]
        if plain_name(name) in names:
            found[role] = names.index(plain_name(name))
        elif role == "speaker" and name == NO_SPEAKERS:
            found[role] = None
        elif name.isdecimal() and 1 <= int(name) <= columns:
            found[role] = int(name) - 1
        else:
            known = f"its columns are {', '.join(filter(None, header))}" if header else "it has no header"
            raise InputError(
                f"{table.path}: data.columns.{role} = {name!r} is no column of it: {known}; give one of these or a "
                f"number from 1 to {columns}"
            )
    twice = [role for role, index in found.items() if index is not None and list(found.values()).count(index) > 1]
    if twice:
        raise InputError(f"{table.path}: data.columns names one column for {' and '.join(twice)}: name another")
    return found


def roles_of(
    sample: Sequence[Column], holds: Callable[[Sequence[Column]], list[float]], given: dict[str, int | None]
) -> tuple[Roles, ...]:
    """The possible readings of the columns: several if it is ambiguous, none if no column can be the text.

    Args:
        sample: the columns.
        holds: the share of each column's cells that name a recording of the folder.
        given: the columns named by the settings or the header, by role.
    """
    taken = {index for index in given.values() if index is not None}
    file = given["file"] if "file" in given else _file_column([c for c in sample if c.index not in taken], holds)
    if file is None:
        return ()
    rest = [column for column in sample if column.filled and column.index != file and column.index not in taken]
    asked = given.get("text")
    texts = _texts(rest, sample[file]) if asked is None else [asked]
    readings: list[Roles] = []
    for text in texts:
        others = [column for column in rest if column.index != text and not _repeats(column, sample[text])]
        speakers = _speakers(others, sample[file]) if len(texts) == 1 else _anyone(others, sample)
        readings += [Roles(file, text, speaker) for speaker in ([given["speaker"]] if "speaker" in given else speakers)]
    return tuple(replace(reading, ignored=_ignored(reading, sample)) for reading in dict.fromkeys(readings))


def _ignored(roles: Roles, sample: Sequence[Column]) -> tuple[int, ...]:
    read = {roles.file, roles.text, roles.speaker}
    rest = [column for column in sample if column.filled and column.index not in read]
    return tuple(column.index for column in rest if not _repeats(column, sample[roles.text]))


def _file_column(sample: Sequence[Column], holds: Callable[[Sequence[Column]], list[float]]) -> int | None:
    """The column whose cells name the most different recordings; the first if none does."""
    filled = [column for column in sample if column.filled]
    if not filled:
        return None
    # Speaker numbers may also be names of recordings, but each recording has its own row.
    named = {
        column.index: round(share * column.variety, 1) for column, share in zip(filled, holds(filled), strict=True)
    }
    return max(filled, key=lambda column: (named[column.index], -column.index)).index


def _texts(rest: Sequence[Column], file: Column) -> list[int]:
    """The column of the text; several if it is ambiguous, none if there is no text."""
    rest = [column for column in rest if not _names_the_same(column, file)] or list(rest)
    phonemes = [column for column in rest if column.is_phonemes and _has_its_text(column, rest)]
    rest = [column for column in rest if column not in phonemes]
    if any(column.is_surely_phonemes for column in rest):
        rest = [column for column in rest if not (column.is_surely_phonemes or column.is_name or column.is_measure)]
    known = [c for c in rest if c.is_filled and not (c.is_measure or c.is_category or c.is_identifier)]
    # Numbers and categories are excluded only if another column is surely a text.
    candidates = known if any(column.words >= 1.5 for column in known) else [c for c in rest if c.is_filled] or rest
    best = [c for c in candidates if all(_is_rather_text(c, other) for other in candidates if other is not c)]
    if best:
        return [min(best, key=lambda column: (column.with_digits, -column.index)).index]
    return [c.index for c in candidates if not any(_beats(other, c) for other in candidates if other is not c)]


def _has_its_text(phonemes: Column, rest: Sequence[Column]) -> bool:
    """Whether another column may be the text of these phonemes: about as varied, and not much shorter."""
    return any(
        not other.is_phonemes
        and 2 * len(other.distinct) > len(phonemes.distinct)
        and 4 * other.characters >= phonemes.characters
        for other in rest
    )


def _names_the_same(column: Column, file: Column) -> bool:
    """Whether a column repeats the names of the recordings."""
    pairs = [(one, other) for one, other in zip(column.cells, file.cells, strict=True) if one and other]
    alike = sum(one in other or other in one for one, other in pairs)
    return column.variety > 0.9 and column.words <= 1 and 10 * alike >= 9 * len(pairs) > 0


def _is_rather_text(column: Column, other: Column) -> bool:
    return _beats(column, other) or _repeats(other, column)


def _beats(column: Column, other: Column) -> bool:
    """Whether a column is longer and more varied than another, and so more likely the text."""
    if not other.is_name or _repeats(other, column):
        return False
    longer, more = column.words / max(other.words, 0.01), len(column.distinct) / max(1, len(other.distinct))
    # Sentences that many speakers read may be fewer than the speakers.
    is_far_longer = longer >= 2.5 and column.words >= 3 and more >= 0.1
    # If both are single, repeated words, either may be the speaker.
    return (
        is_far_longer or (longer >= 1.5 and more >= 1) or (longer >= 1 and more >= 2 and not _is_repeated_word(column))
    )


def _is_repeated_word(column: Column) -> bool:
    return column.words < 1.5 and column.variety <= 0.9


def _repeats(column: Column, text: Column) -> bool:
    """Whether a column is another spelling of the text."""
    alike = share_alike(column, text)
    return alike >= 0.5 or (alike >= 0.1 and not column.is_name)


def _speakers(others: Sequence[Column], file: Column) -> list[int | None]:
    """The column of the speakers, None for no such column; several if it is ambiguous."""
    others = [c for c in others if not (c.is_phonemes or c.is_measure or c.is_identifier or _names_the_same(c, file))]
    names = [column for column in others if column.is_name and not column.is_category]
    # A number that is constant under a header that does not name speakers is an age or a count.
    names = [column for column in names if not (column.is_integer and column.name and len(column.distinct) == 1)]
    names = [column for column in names if not (column.is_integer and len(column.distinct) == 1)] or names
    categories = [column for column in others if column.is_category and column.is_name and len(column.distinct) > 1]
    if not names and len(categories) == 1:
        return [categories[0].index, None]  # initials or languages, a woman and a man or women and men
    if len(names) <= 1:
        return [names[0].index if names else None]
    if (part_of_path := [column for column in names if _is_in_name(column, file)]) and len(part_of_path) == 1:
        return [part_of_path[0].index]
    # The speaker determines attributes such as the dialect; two columns may both name the speakers.
    varied = [column for column in names if len(column.distinct) > 1]
    if len(varied) == len(names) or not varied:
        deciding = [c for c in names if all(is_function(c, other) for other in names)]
        if deciding:
            return [min(deciding, key=lambda column: (column.is_integer, column.index)).index]
    return [*(column.index for column in names), None]


def _anyone(others: Sequence[Column], sample: Sequence[Column]) -> list[int | None]:
    """The possible columns of the speakers if the text is ambiguous; of three columns without header, any."""
    bare = len(sample) == 3 and not any(column.name for column in sample)
    return [None, *(column.index for column in others if bare or (column.is_name and not column.is_category))]


def _is_in_name(column: Column, file: Column) -> bool:
    """Whether the cells are prefixes, or delimited parts, of the names of the recordings."""
    pairs = [(cell.casefold(), name.casefold()) for cell, name in zip(column.cells, file.cells, strict=True) if cell]
    inside = sum(
        cell in re.split(r"[\W_]+", name) or (len(cell) > 1 and name.startswith(cell)) or f"/{cell}/" in f"/{name}/"
        for cell, name in pairs
    )
    return 10 * inside >= 9 * len(pairs) > 0
