"""Corpora that fit into no memory: tar files, each read from front to back, one after the other.

`python -m data.shards configs/ljspeech.toml data.root=LJSpeech-1.1 -o shards` writes them; `data.shards=shards` trains
on them. The tar files are those of webdataset: `000017.flac` beside `000017.json`. `index.json` tells how long every
clip is, so that the batches of an epoch are known before anything is read.

A batch is of one shard, and shards come in another order in every epoch. So two shards are in memory at most, as FLAC,
and the clips of one batch as samples.
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
from data.prepare import encodable, prepare_and_tell
from text import Lexicon, SymbolTable

INDEX = "index.json"
FORMAT = 1  # of the index

Encoded = Mapping[int, Mapping[str, bytes]]  # place in the shard -> "flac" and "json"


class ClipsInShards:
    """The clips of each batch, read from shards.

    Args:
        shards: all of the corpus; every rank reads them all and decodes its own clips.
        buckets: of each shard, its clips in their order.
        seed: of the order of the shards.
        workers: threads that decode; they change nothing but the pace.
    """

    def __init__(
        self, shards: Sequence[Shard], buckets: Sequence[BucketBatchSampler], seed: int, *, workers: int = 4
    ) -> None:
        self.shards, self.buckets, self.seed, self.workers = shards, buckets, seed, workers

    def __len__(self) -> int:
        """Batches per epoch, the same in every epoch and for every rank."""
        return sum(map(len, self.buckets))

    def batches(self, epoch: int, start: int = 0) -> Iterator[list[Clip]]:
        """The clips of each batch of one epoch, from the batch `start` on; shards before that are not read.

        Raises:
            InputError: a shard is damaged or cut short.
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
        """Each shard that is needed, and its batches."""
        for place in np.random.default_rng((self.seed, epoch)).permutation(len(self.shards)):
            if start < len(self.buckets[place]):
                yield self.shards[place], self.buckets[place].batches(epoch)[start:]
            start = max(0, start - len(self.buckets[place]))


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
        folder: what `write_shards` wrote.
        data: settings of the experiment, which must be those the shards were made with; without a lexicon, theirs is
            taken.
        audio: likewise.
        symbols: the alphabet of a voice that exists already, which must be that of the shards.
        speakers: the speakers of a voice that exists already, by id; likewise.

    Raises:
        InputError: there is no index, a shard is missing or cut short, or the shards are not for this experiment.
    """
    path = Path(folder) / INDEX
    index = _read_index(path)
    with content_of(path, "an index of shards", "write the shards anew"):
        require_like(index, _INDEX)
        found = SymbolTable.from_json(json.dumps(index["symbols"]))
        made_lexicon = None if index["lexicon"] is None else Lexicon.from_json(index["lexicon"])
    names = tuple(index["speakers"])
    for key, value in made_with(data, audio).items():
        was = index["made_with"].get(key)
        if was != value:
            raise InputError(
                f"{path}: the shards were made with {key} = {was!r}, and the experiment has {value!r}: set {key} to "
                "that, or write the shards anew"
            )
    lexicon = None if data.lexicon is None else Lexicon.from_file(Path(data.lexicon)).to_json()
    if lexicon is not None and lexicon != index["lexicon"]:
        raise InputError(f"{path}: the shards were not made with the words of {data.lexicon}: write the shards anew")
    if symbols is not None and symbols.to_json() != found.to_json():
        raise InputError(f"{path}: the shards have another alphabet than the voice: put back those it was trained on")
    if speakers is not None and sorted(speakers) != sorted(names):
        raise InputError(
            f"{path}: the shards have the speakers {list(names)}, and the voice {list(speakers)}: put back those it "
            "was trained on"
        )
    names = names if speakers is None else tuple(speakers)  # clips name their speaker, and a voice keeps its ids
    with content_of(path, "an index of shards", "write the shards anew"):
        train, validation = (
            [_open(path, row, names, found.size) for row in index[purpose]] for purpose in ("train", "validation")
        )
    digests = [[row["digest"] for row in index[purpose]] for purpose in ("train", "validation")]
    counts = [sum(len(shard.samples) for shard in shards) for shards in (train, validation)]
    return Corpus(
        train=[],
        shards=tuple(train),
        validation=[clip for shard in validation for clip in _all(shard)],
        symbols=found,
        speakers=names,
        lexicon=made_lexicon,
        fingerprint=hashlib.sha256(json.dumps([found.to_json(), names, digests]).encode()).hexdigest(),
        split=(f"validation: {counts[1]} of {sum(counts)} recordings are set aside, {counts[0]} are trained on",),
    )


def made_with(data: DataSettings, audio: AudioSettings) -> dict[str, str | int | float | bool | None]:
    """The settings that decide what a clip is, by their names."""
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
    """Write clips as shards; one clip is in memory at a time, and the index comes last.

    Args:
        train: clips to train on. As a batch is of one shard, neighbours should have nothing in common.
        validation: clips to validate with.
        folder: receives the shards; it is made where it does not exist.
        data: settings the clips were made with.
        audio: likewise.
        symbols: alphabet of the phoneme ids.
        speakers: by speaker id; empty where the corpus names none.
        lexicon: words that the voice speaks in a way of its own.
        clips_per_shard: the last shard may have fewer.

    Raises:
        InputError: the folder has shards already, the disk is full, or there is nothing to train on.
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
    """Write one shard, and return its row of the index."""
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
    return index


def _open(index: Path, row: Mapping[str, Any], speakers: tuple[str, ...], num_symbols: int) -> Shard:
    """A shard whose file is there and whole, as far as its size can tell."""
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
    """Every clip of a shard."""
    places = range(len(shard.samples))
    encoded = _read(shard, [places])
    return [_decoded(shard, encoded, place) for place in places]


def _read(shard: Shard, batches: Iterable[Iterable[int]]) -> Encoded:
    """The clips of these batches as they are in the file, which is read once, forwards."""
    encoded: dict[int, dict[str, bytes]] = {place: {} for places in batches for place in places}
    try:
        with tarfile.open(shard.path, "r:") as tar:
            for member in tar:
                # A link leads to where it likes, and a sparse file is as large as it says.
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
            if sound.frames != shard.samples[place]:  # before memory is taken for them
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
    preparation = prepare_and_tell(config.data, config.audio)
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
