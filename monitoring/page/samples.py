"""The pictures and the audio of a run's validations, encoded within the budget of a page."""

import base64
import functools
import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from configs.content import object_in
from data.report.player import file_data_uri

PICTURE_BYTES, SOUND_BYTES = 1_900_000, 1_400_000  # of the page, base64, for all runs together
MOST_PICTURED, MOST_SOUNDING = 12, 5  # validations
MOST_PICTURED_SENTENCES, MOST_SENTENCES = 4, 12
PICTURE_KINDS = ("mel", "alignment")
_WIDEST_PICTURE = 960  # pixels


@dataclass
class SampledSentence:
    """One validation sentence: its recording, and the audio and the pictures of some validations, as data URIs."""

    id: str
    text: str  # "" where it is not known
    recorded: str | None = None
    spoken: dict[int, str] = field(default_factory=dict)  # generated audio by step, the newest first
    pictures: dict[int, dict[str, str]] = field(default_factory=dict)  # by step, the earliest first, and by kind


@dataclass(frozen=True)
class Samples:
    """The samples of a run that the page shows."""

    sentences: tuple[SampledSentence, ...] = ()
    validations: int = 0  # that have samples
    left_out: int = 0  # pictures and audio files that exceed the budget

    @property
    def pictured(self) -> list[int]:
        """The steps of the pictures."""
        return sorted({step for sentence in self.sentences for step in sentence.pictures})

    @property
    def sounding(self) -> list[int]:
        """The steps of the audio."""
        return sorted({step for sentence in self.sentences for step in sentence.spoken})


class _ByteBudget:
    """What is left of a budget of bytes."""

    def __init__(self, most: int) -> None:
        self._left, self.refused = most, 0

    def take(self, encode: Callable[[Path, int], str | None], path: Path) -> str | None:
        """Encode a file if it exists and fits; after the first that did not fit, none is encoded."""
        if not path.is_file():
            return None
        uri = None if self.refused else encode(path, path.stat().st_mtime_ns)
        if self.refused or len(uri or "") > self._left:
            self.refused += 1
            return None
        self._left -= len(uri or "")
        return uri


def read_samples(folder: Path, *, until: float = math.inf, runs: int = 1) -> Samples:
    """Encode the files under samples/ of a run folder, within a budget: the newest first, then spread over the run.

    Args:
        folder: the run's.
        until: the run's last step; later files are left from before it was resumed or restarted.
        runs: how many share the page.
    """
    root = folder / "samples"
    folders = (path for path in root.glob("[0-9]*") if path.name.isdecimal() and path.is_dir())
    steps = {int(path.name): path for path in folders if int(path.name) <= until}
    texts = {id: str(text) for id, text in object_in(root / "sentences.json").items()}
    sentences = [SampledSentence(id, texts.get(id, "")) for id in _ids(steps.values())[:MOST_SENTENCES]]
    sounds, pictures = _ByteBudget(SOUND_BYTES // runs), _ByteBudget(PICTURE_BYTES // runs)
    encode_sound = functools.partial(_encoded_sound, folder)
    for sentence in sentences:
        sentence.recorded = sounds.take(encode_sound, root / "recorded" / f"{sentence.id}.wav")
    for step in spread(sorted(steps), MOST_SOUNDING):
        for sentence in sentences:
            if uri := sounds.take(encode_sound, steps[step] / f"{sentence.id}.wav"):
                sentence.spoken[step] = uri
    for step in spread(sorted(steps), MOST_PICTURED):
        for sentence in sentences[:MOST_PICTURED_SENTENCES]:
            for kind in PICTURE_KINDS:
                if uri := pictures.take(_encoded_picture, steps[step] / f"{sentence.id}.{kind}.png"):
                    sentence.pictures.setdefault(step, {})[kind] = uri
    for sentence in sentences:
        sentence.spoken = dict(sorted(sentence.spoken.items(), reverse=True))
        sentence.pictures = dict(sorted(sentence.pictures.items()))
    return Samples(tuple(sentences), validations=len(steps), left_out=sounds.refused + pictures.refused)


def spread(steps: Sequence[int], most: int) -> list[int]:
    """At most so many steps: the last, the first, then each time the one farthest from those already taken."""
    taken = list(steps[-1:])
    rest = list(steps[:-1])
    while rest and len(taken) < most:
        # Of equally far ones the later.
        farthest = max(rest, key=lambda step: (min(abs(step - one) for one in taken), step))
        taken.append(farthest)
        rest.remove(farthest)
    return taken


def _ids(folders: Iterable[Path]) -> list[str]:
    """The ids of the sentences that any validation has files of."""
    endings = (".wav", *(f".{kind}.png" for kind in PICTURE_KINDS))
    names = (path.name for folder in folders for path in folder.iterdir())
    return sorted({name.removesuffix(ending) for name in names for ending in endings if name.endswith(ending)})


@functools.lru_cache(maxsize=500)
def _encoded_sound(root: Path, path: Path, _changed: int) -> str | None:
    """As MP3; cached while the file does not change, because --watch makes the page again and again."""
    return file_data_uri(path, root)


@functools.lru_cache(maxsize=500)
def _encoded_picture(path: Path, _changed: int) -> str | None:
    """As WebP, at most 960 pixels wide; None where the file is no picture."""
    from PIL import Image  # lazily: a run without samples needs none

    encoded = io.BytesIO()
    try:
        with Image.open(path) as image:
            picture = image.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    picture.thumbnail((_WIDEST_PICTURE, 4 * _WIDEST_PICTURE))
    picture.save(encoded, "WEBP", quality=55, method=2)
    return f"data:image/webp;base64,{base64.b64encode(encoded.getvalue()).decode()}"
