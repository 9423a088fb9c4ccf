"""Corpora larger than memory, as tar shards that are read sequentially.

`python -m data.shards configs/ljspeech.toml data.root=LJSpeech-1.1 -o shards` writes them; `data.shards=shards` trains
on them. The format is that of webdataset: `000017.flac` beside `000017.json`. `index.json` has the length of every
clip, so the batches of an epoch are known before anything is read.

A batch is drawn from one shard, and the order of the shards changes every epoch. So at most two shards are in memory,
as FLAC, and the clips of one batch as samples.
"""

from configs.command_line import check_arguments
from data.command_line import CLIPS_PER_SHARD, read_shards_arguments

if __name__ == "__main__":  # before the slow imports
    check_arguments(read_shards_arguments)

import hashlib
import io
import itertools
import json
import sys
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from configs import AudioSettings, DataSettings, InputError, command
from configs.atomic_file import replacing
from configs.content import UNFIT, content_of, json_object, require_like
from data.bucket_batch_sampler import BucketBatchSampler
from data.clips import Clip, Shard, read_clips
from data.corpus import Corpus, describe_split, speakers_of, split
from data.prepare import encodable, prepare_verbosely
from text import Lexicon, SymbolTable

INDEX = "index.json"
FORMAT = 1  # of the index

Encoded = Mapping[int, Mapping[str, bytes]]  # index in the shard -> "flac" and "json"


class ClipsInShards:
    """A `ClipSource` that reads shards.

    Args:
        shards: the training set; every rank reads all of them and decodes its own clips.
        samplers: of each shard.
        seed: of the order of the shards.
        workers: decoding threads.
    """

    def __init__(
        self, shards: Sequence[Shard], samplers: Sequence[BucketBatchSampler], seed: int, *, workers: int = 4
    ) -> None:
        self.shards, self.samplers, self.seed, self.workers = shards, samplers, seed, workers

    def __len__(self) -> int:
        """Batches per epoch."""
        return sum(map(len, self.samplers))

    def batches(self, epoch: int, start: int = 0) -> Iterator[list[Clip]]:
        """The batches of one epoch from `start` on; shards before that are not read.

        Raises:
            InputError: a shard is damaged or truncated.
        """
        with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(self.workers) as decoders:
            plans = self._plans(epoch, start)
            plan = next(plans, None)
            reading = reader.submit(_read, *plan) if plan else None
            while plan and reading:
                shard, batches = plan
                encoded = reading.result()
                plan = next(plans, None)
                reading = reader.submit(_read, *plan) if plan else None
                for places in batches:
                    yield list(decoders.map(partial(_decoded, shard, encoded), places))

    def _plans(self, epoch: int, start: int) -> Iterator[tuple[Shard, list[list[int]]]]:
        """The shards of an epoch in order, each with its batches from `start` on."""
        for place in np.random.default_rng((self.seed, epoch)).permutation(len(self.shards)):
            if start < len(self.samplers[place]):
                yield self.shards[place], self.samplers[place].batches(epoch)[start:]
            start = max(0, start - len(self.samplers[place]))


def open_shards(
    folder: str | Path,
    data: DataSettings,
    audio: AudioSettings,
    *,
    symbols: SymbolTable | None = None,
    speakers: Sequence[str] | None = None,
) -> Corpus:
    """Read the index and the validation clips.

    Args:
        folder: written by `write_shards`.
        data: must equal the settings that the shards were made with; without a lexicon, theirs is used.
        audio: likewise.
        symbols: symbol table of an existing voice; must equal that of the shards.
        speakers: speakers of an existing voice, by id; must be those of the shards.

    Raises:
        InputError: there is no index, a shard is missing or truncated, or the shards do not fit the experiment.
    """
    path = Path(folder) / INDEX
    index = _read_index(path)
    with content_of(path, "an index of shards", "write the shards anew"):
        own = SymbolTable.from_json(json.dumps(index["symbols"]))
        own_lexicon = None if index["lexicon"] is None else Lexicon.from_json(index["lexicon"])
    _check_settings(path, index, data, audio)
    _check_voice(path, own, index["speakers"], symbols, speakers)
    names = tuple(index["speakers"] if speakers is None else speakers)  # a voice keeps its speaker ids
    with content_of(path, "an index of shards", "write the shards anew"):
        train, validation = (
            tuple(_open(path, row, names, own.size) for row in index[purpose]) for purpose in ("train", "validation")
        )
    digests = [[row["digest"] for row in index[purpose]] for purpose in ("train", "validation")]
    counts = [sum(len(shard.samples) for shard in shards) for shards in (train, validation)]
    return Corpus(
        train=[],
        shards=train,
        validation=[clip for shard in validation for clip in _all(shard)],
        symbols=own,
        speakers=names,
        lexicon=own_lexicon,
        fingerprint=hashlib.sha256(json.dumps([own.to_json(), names, digests]).encode()).hexdigest(),
        split=(f"validation: {counts[1]} of {sum(counts)} recordings are set aside, {counts[0]} are trained on",),
    )


def _check_settings(path: Path, index: dict[str, Any], data: DataSettings, audio: AudioSettings) -> None:
    """Refuse settings other than those the shards were made with."""
    for key, value in made_with(data, audio).items():
        was = index["made_with"].get(key)
        if was != value:
            raise InputError(
                f"{path}: the shards were made with {key} = {was!r}, and the experiment has {value!r}: set {key} to "
                "that, or write the shards anew"
            )
    if data.lexicon is not None and Lexicon.from_file(Path(data.lexicon)).to_json() != index["lexicon"]:
        raise InputError(f"{path}: the shards were not made with the words of {data.lexicon}: write the shards anew")


def _check_voice(
    path: Path, own: SymbolTable, own_speakers: list[str], symbols: SymbolTable | None, speakers: Sequence[str] | None
) -> None:
    """Refuse an existing voice with other symbols or other speakers than the shards."""
    if symbols is not None and symbols.to_json() != own.to_json():
        raise InputError(f"{path}: the shards have another alphabet than the voice: put back those it was trained on")
    if speakers is not None and sorted(speakers) != sorted(own_speakers):
        raise InputError(
            f"{path}: the shards have the speakers {own_speakers}, and the voice {list(speakers)}: put back those it "
            "was trained on"
        )


def made_with(data: DataSettings, audio: AudioSettings) -> dict[str, str | int | float | bool | None]:
    """The settings that determine the content of a clip, by name."""
    of_data = ("language", "front_end", "level", "level_db", "trim_silence", "trim_margin_seconds")
    of_audio = ("sample_rate", "hop_length")
    return {
        **{f"data.{name}": value for name, value in data.model_dump(include=set(of_data)).items()},
        **{f"audio.{name}": value for name, value in audio.model_dump(include=set(of_audio)).items()},
    }


def write_shards(
    train: Iterable[Clip],
    validation: Iterable[Clip],
    folder: str | Path,
    *,
    data: DataSettings,
    audio: AudioSettings,
    symbols: SymbolTable,
    speakers: Sequence[str],
    lexicon: Lexicon | None = None,
    clips_per_shard: int = CLIPS_PER_SHARD,
) -> None:
    """Write clips as shards; one clip is in memory at a time, and the index is written last.

    Args:
        train: training clips, shuffled, because a batch is drawn from one shard.
        validation: validation clips.
        folder: of the shards; created if missing.
        data: settings that the clips were made with.
        audio: likewise.
        symbols: symbol table of the phoneme ids.
        speakers: by speaker id; empty if the corpus names none.
        lexicon: pronunciations stored in the voice.
        clips_per_shard: the last shard may have fewer.

    Raises:
        InputError: the folder has shards already, the disk is full, or the training or validation set is empty.
    """
    folder = Path(folder)
    if (folder / INDEX).exists():
        raise InputError(f"{folder}: has shards already: remove them, or choose another folder")
    index: dict[str, Any] = {"format": FORMAT, "made_with": made_with(data, audio)}
    index |= {"symbols": json.loads(symbols.to_json()), "speakers": list(speakers)}
    index["lexicon"] = None if lexicon is None else lexicon.to_json()
    for purpose, clips in (("train", train), ("validation", validation)):
        index[purpose], rest = [], iter(clips)
        for first in rest:
            name = f"{purpose}-{len(index[purpose]):05d}.tar"
            some = itertools.chain([first], itertools.islice(rest, clips_per_shard - 1))
            index[purpose].append(_write(folder / name, some, speakers, audio.sample_rate))
        if not index[purpose]:
            raise InputError(f"{folder}: no index is written, because there are no clips for {purpose}")
    with replacing(folder / INDEX) as file:
        file.write(json.dumps(index, ensure_ascii=False).encode())


def _write(path: Path, clips: Iterable[Clip], speakers: Sequence[str], sample_rate: int) -> dict[str, Any]:
    """Write one shard, and return its entry in the index."""
    samples: list[int] = []
    digest = hashlib.sha256()
    with replacing(path) as file, tarfile.open(fileobj=file, mode="w:") as tar:
        for place, clip in enumerate(clips):
            row = {"id": clip.id, "text": clip.text, "phoneme_ids": clip.phoneme_ids.tolist()}
            row["speaker"] = speakers[clip.speaker_id] if speakers else None
            encoded, sound = json.dumps(row, ensure_ascii=False).encode(), io.BytesIO()
            soundfile.write(sound, clip.audio, sample_rate, format="FLAC", subtype="PCM_16")
            for kind, content in (("flac", sound.getvalue()), ("json", encoded)):
                member = tarfile.TarInfo(f"{place:06d}.{kind}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            samples.append(len(clip.audio))
            digest.update(encoded)
            digest.update(clip.audio.tobytes())
    return {"file": path.name, "bytes": path.stat().st_size, "digest": digest.hexdigest(), "samples": samples}


_ROWS = [{"file": "", "bytes": 0, "digest": "", "samples": [0]}]
_INDEX: dict[str, Any] = {
    "symbols": {},
    "speakers": [""],
    "made_with": {},
    "lexicon": None,
    "train": _ROWS,
    "validation": _ROWS,
}


def _read_index(path: Path) -> dict[str, Any]:
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: there is no such file; python -m data.shards writes it last: let it come to its end"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not the index of shards ({error}): write the shards anew") from error
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise InputError(f"{path}: is not an index of format {FORMAT}: write the shards anew")
    with content_of(path, "an index of shards", "write the shards anew"):
        require_like(index, _INDEX)
    return index


def _open(index: Path, row: Mapping[str, Any], speakers: tuple[str, ...], num_symbols: int) -> Shard:
    """A shard whose file exists and has the right size."""
    shard = Shard(index.with_name(row["file"]), tuple(row["samples"]), speakers, num_symbols)
    if not shard.samples or min(shard.samples) < 1:
        raise ValueError(f"{row['file']} has no clips, or some without samples")
    if not shard.path.is_file():
        raise InputError(f"{shard.path}: there is no such shard: copy it again, or write the shards anew")
    size = shard.path.stat().st_size
    if size != row["bytes"]:
        raise _damaged(shard, f"it has {size} of {row['bytes']} bytes")
    return shard


def _all(shard: Shard) -> list[Clip]:
    """All clips of a shard."""
    places = range(len(shard.samples))
    encoded = _read(shard, [places])
    return [_decoded(shard, encoded, place) for place in places]


def _read(shard: Shard, batches: Iterable[Iterable[int]]) -> Encoded:
    """The encoded clips of these batches; the file is read once, sequentially."""
    encoded: dict[int, dict[str, bytes]] = {place: {} for places in batches for place in places}
    try:
        with tarfile.open(shard.path, "r:") as tar:
            for member in tar:
                # A link could lead anywhere, and a sparse file could declare any size.
                if not member.isreg() or member.issparse():
                    raise ValueError(f"{member.name!r} in it is not a plain file")
                place, _, kind = member.name.partition(".")
                content = tar.extractfile(member) if int(place) in encoded else None
                if content is not None:
                    encoded[int(place)][kind] = content.read()
    except (OSError, tarfile.TarError, *UNFIT) as error:
        raise _damaged(shard, str(error)) from error
    return encoded


def _decoded(shard: Shard, encoded: Encoded, place: int) -> Clip:
    try:
        with soundfile.SoundFile(io.BytesIO(encoded[place]["flac"])) as sound:
            if sound.frames != shard.samples[place]:  # before memory is allocated
                raise ValueError(f"it has {sound.frames} of {shard.samples[place]} samples")
            if sound.channels != 1:
                raise ValueError(f"it has {sound.channels} channels")
            audio = sound.read(dtype="int16")
        row = json_object(encoded[place]["json"])
        require_like(row, {"id": "", "text": "", "phoneme_ids": [0]})
        ids = np.array(row["phoneme_ids"], dtype=np.int64)
        if not len(ids) or ids.min() < 0 or (shard.num_symbols is not None and ids.max() >= shard.num_symbols):
            raise ValueError("its phonemes are not of the alphabet of the index")
        speaker_id = shard.speakers.index(row["speaker"]) if shard.speakers else 0
    except (soundfile.SoundFileError, *UNFIT) as error:
        raise _damaged(shard, f"clip {place} is missing or cannot be read: {str(error) or repr(error)}") from error
    return Clip(row["id"], row["text"], ids, audio, speaker_id)


def _damaged(shard: Shard, what: str) -> InputError:
    return InputError(f"{shard.path}: is damaged or cut short ({what}): copy it again, or write the shards anew")


@command
def main() -> int:
    """Write shards from the command line."""
    arguments, config = read_shards_arguments()
    preparation = prepare_verbosely(config.data, config.audio)
    division = split(preparation.clips, preparation.data)
    speakers = speakers_of(division, preparation.data)
    read = partial(
        read_clips, prepared_audio=preparation.prepared_audio, symbols=preparation.symbols, speakers=speakers
    )
    write_shards(
        read(sorted(division.train, key=lambda clip: hashlib.sha256(clip.recording.id.encode()).digest())),
        read(division.validation),
        arguments.output,
        data=config.data,
        audio=config.audio,
        symbols=preparation.symbols,
        speakers=speakers,
        lexicon=preparation.lexicon,
        clips_per_shard=arguments.clips,
    )
    print(encodable("\n".join(describe_split(division, preparation.data))))
    counts = f"{len(division.train)} clips to train on and {len(division.validation)} to validate with"
    print(f"{counts}: data.shards={arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
