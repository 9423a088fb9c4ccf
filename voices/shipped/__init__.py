"""Voices that come with the program, found by their names: `python infer.py lj-laptop "Hello."`.

Each is NAME.safetensors in half precision, with its card NAME.md, and the discriminators to train it on with in
NAME.discriminators.safetensors.
"""

from pathlib import Path

from configs import InputError

_FOLDER = Path(__file__).parent


def shipped_voices() -> tuple[str, ...]:
    """Their names, in order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.safetensors") if "." not in path.stem))


def voice_path(asked: str | Path) -> Path:
    """Where a voice is: a path that exists, else the shipped voice of this name.

    Raises:
        InputError: there is neither.
    """
    path = Path(asked)
    if path.exists():
        return path
    if str(path) in shipped_voices():
        return _FOLDER / f"{path}.safetensors"
    known = ", ".join(shipped_voices())
    raise InputError(
        f"{path}: there is no such file or folder" + (f", nor a voice shipped as {known}" if known else "")
    )
