"""An experiment from disk: a TOML file, then `section.key=value` lines from the command line, then validation."""

import difflib
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from configs.errors import InputError
from configs.schema import Config

Tree = dict[str, Any]


def load_config(path: str | Path | None, overrides: Iterable[str] = ()) -> Config:
    """Read an experiment and apply the overrides; without a file, they are all there is.

    Raises:
        InputError: no such file, not TOML, an unknown key, a wrong type, or sections that do not fit each other.
    """
    tree = {} if path is None else _read(Path(path))
    for override in overrides:
        _apply(tree, override)
    return parse_config(tree, source="the settings" if path is None else str(path))


def _read(path: Path) -> Tree:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such settings file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a settings file: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: is not TOML: {error}") from error


def parse_config(tree: Tree, source: str) -> Config:
    """Validate settings that are already a tree; `source` names them in what is said about them."""
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        # One fault a setting: a broken list is reported once more for what is left of it.
        faults = {fault["loc"][:2]: fault for fault in reversed(error.errors())}
        raise InputError(f"{source}: " + "; ".join(_sentence(fault) for fault in reversed(faults.values()))) from error


def dump_config(config: Config) -> str:
    """The resolved settings as TOML; `parse_config(tomllib.loads(...))` gives the same settings back."""
    return tomli_w.dumps(config.model_dump(exclude_none=True))


def differences(old: Config, new: Config, ignore: Iterable[str] = ()) -> list[str]:
    """Every setting that is not the same in both, as `section.key: old -> new`, except those in `ignore`."""
    left, right, ignored = dict(_leaves(old.model_dump())), dict(_leaves(new.model_dump())), set(ignore)
    return [f"{key}: {left[key]!r} -> {right[key]!r}" for key in left if left[key] != right[key] and key not in ignored]


def _leaves(tree: Tree) -> Iterator[tuple[str, Any]]:
    return ((f"{section}.{key}", value) for section, values in tree.items() for key, value in values.items())


def _apply(tree: Tree, override: str) -> None:
    key, equals, text = override.partition("=")
    section, dot, name = key.strip().partition(".")
    if not (equals and dot and section and name):
        raise InputError(f"{override!r} is not a setting: write section.key=value, such as train.batch_size=32")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()  # a bare word or a path: data.root=LJSpeech-1.1
    if not isinstance(value, str) and _is_text(section, name):
        value = text.strip()  # a folder may be called 2024
    branch = tree.setdefault(section, {})
    if not isinstance(branch, dict):
        raise InputError(f"{section} is not a section of the settings")
    branch[name] = value


def _is_text(section: str, name: str) -> bool:
    settings = Config.model_fields.get(section)
    field = settings.annotation.model_fields.get(name) if settings else None  # type: ignore[union-attr]
    return field is not None and field.annotation is str


def _known_keys() -> list[str]:
    sections = {name: field.annotation for name, field in Config.model_fields.items()}
    return [
        f"{name}.{field.alias or key}"
        for name, kind in sections.items()
        for key, field in kind.model_fields.items()  # type: ignore[union-attr]
    ]


def _sentence(fault: Any) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        # Someone who misplaces a key more often has its name right than its section.
        tails = [known for known in _known_keys() if known.rpartition(".")[2] == key.rpartition(".")[2]]
        kind = _known_keys() if "." in key else list(Config.model_fields)
        nearest = tails or difflib.get_close_matches(key, kind, n=1, cutoff=0.0)
        return f"{key} is not a setting; the nearest one is {nearest[0]}"
    if fault["type"] == "missing":
        example = {"data": "data.root=LJSpeech-1.1", "run": "run.dir=runs/NAME"}.get(
            key.partition(".")[0], f"{key}=..."
        )
        return f"{key} is not set: give it in the file or on the command line, such as {example}"
    if not fault["loc"]:
        return str(fault["ctx"]["error"])
    reason = fault["msg"][0].lower() + fault["msg"][1:]
    return f"{key} = {fault['input']!r}: {reason}"
