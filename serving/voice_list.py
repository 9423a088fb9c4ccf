"""The voices of the server by name: the only way from a request to a voice, so that no request names a file."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from configs import InputError
from infer import Voice
from voices.export.languages import Language, describe_language

_RUN_FILES = ("voice", "best")  # stems that say nothing of the voice, whose folder has its name
_SEPARATOR = "/"  # between a voice and one of its speakers


@dataclass(frozen=True)
class NamedVoice:
    """A loaded voice."""

    name: str
    voice: Voice

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names by id; empty for a voice of one speaker."""
        return tuple(self.voice.speakers) if len(self.voice.speakers) > 1 else ()

    @property
    def language(self) -> Language:
        """What it speaks."""
        return describe_language(self.voice.config.data.language)

    def speaks(self, language: str) -> bool:
        """Whether it speaks a language such as en, en-US or en_us; a bare one matches every region."""
        asked, own = (code.lower().replace("-", "_") for code in (language, self.language.code))
        return own == asked or own.partition("_")[0] == asked

    def described(self) -> dict[str, object]:
        """For lists of voices, as JSON."""
        return {
            "id": self.name,
            "name": self.name,
            "language": self.language.code.replace("_", "-"),
            "language_name": self.language.name_english,
            "speakers": list(self.speakers),
            "sample_rate": self.voice.sample_rate,
            "noise_scale": self.voice.config.speaking.noise_scale,
            "duration_noise_scale": self.voice.config.speaking.duration_noise_scale,
        }


@dataclass(frozen=True)
class VoiceList:
    """Voices by name; the first one is the default."""

    voices: Mapping[str, NamedVoice]

    def __iter__(self) -> Iterator[NamedVoice]:
        return iter(self.voices.values())

    def find(self, asked: str | None, language: str | None = None) -> tuple[NamedVoice, str | None] | None:
        """Look a voice up.

        Args:
            asked: NAME, or NAME/SPEAKER in a voice of several; None is the first voice of the language.
            language: as `NamedVoice.speaks`; None is any.

        Returns:
            The voice, with the speaker if one was named; None if there is no such voice.
        """
        if asked is None:
            return next(((one, None) for one in self if language is None or one.speaks(language)), None)
        if asked in self.voices:
            return self.voices[asked], None
        name, _, speaker = asked.rpartition(_SEPARATOR)
        one = self.voices.get(name)
        return (one, speaker) if one is not None and speaker in one.speakers else None

    @property
    def names(self) -> list[str]:
        """Names of all voices, with those of their speakers."""
        return [
            name for one in self for name in (one.name, *(f"{one.name}{_SEPARATOR}{said}" for said in one.speakers))
        ]


def load_voices(arguments: Iterable[str], device: str) -> VoiceList:
    """Load voices, each to compute with one thread.

    Args:
        arguments: each a path as for `Voice.load`, a folder of such, or NAME=PATH.
        device: as `Voice.load`.

    Raises:
        InputError: a path has no voice, or two voices have one name.
    """
    paths: dict[str, Path] = {}
    for name, path in (found for argument in arguments for found in _named_paths(argument)):
        if paths.setdefault(name, path) != path:
            raise InputError(
                f"{path}: the name of this voice would be {name}, and so is that of {paths[name]}: give NAME=PATH"
            )
    return VoiceList({name: NamedVoice(name, _load(path, device)) for name, path in paths.items()})


def _load(path: Path, device: str) -> Voice:
    try:
        return Voice.load(path, device, threads=1)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise InputError(
            f"{path}: needs torch, which is not installed: give an .onnx, as voices.export writes"
        ) from error


def _named_paths(argument: str) -> Iterator[tuple[str, Path]]:
    name, equals, path = argument.partition("=")
    if equals and name and not Path(argument).exists():
        yield name, Path(path).expanduser()
        return
    for found in _voices_in(Path(argument).expanduser()):
        stem = found.stem if found.is_file() else found.resolve().name
        yield found.resolve().parent.name if found.is_file() and stem in _RUN_FILES else stem, found


def _voices_in(path: Path) -> list[Path]:
    """The voices of a folder of voices; anything else is taken for one voice."""
    if not path.is_dir() or (path / "voice.safetensors").exists() or (path / "checkpoints").is_dir():
        return [path]
    if (path / "config.json").exists():  # of transformers
        return [path]
    runs = [child for child in path.iterdir() if (child / "voice.safetensors").exists()]
    return sorted([*runs, *path.glob("*.onnx"), *path.glob("*.safetensors")]) or [path]
