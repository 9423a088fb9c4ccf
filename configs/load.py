"""Loading settings: a TOML file, then `section.key=value` overrides from the command line, then validation."""

import difflib
import tomllib
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import tomli_w
from pydantic import ValidationError

from configs.content import content_of
from configs.decoders import DECODER_FAMILIES, DECODER_KINDS
from configs.errors import InputError
from configs.schema import Config
from configs.section import Section

Tree = dict[str, Any]
_LONGEST_VALUE = 200  # that a message repeats
# Settings of earlier versions, which do nothing any more: files that have them are still read.
_WITHDRAWN = ("train.channels_last", "train.reuse_real_features")


def load_config(path: str | Path | None, overrides: Iterable[str] = ()) -> Config:
    """Load a settings file, if there is one, and apply overrides.

    An override that selects another decoder family starts from its defaults; the decoder settings of the file are
    ignored.

    Raises:
        InputError: no such file, not TOML, an unknown key, a wrong type, or a violated constraint.
    """
    tree: Tree = {} if path is None else _read(Path(path))
    given: Tree = {}
    for override in overrides:
        _apply(given, override)
    for section, values in given.items():
        branch = tree.setdefault(section, {})
        if not isinstance(branch, dict):
            raise InputError(f"{section} is not a section of the settings")
        own_kind = branch.get("kind", "hifigan")
        if section == "decoder" and _family(values.get("kind", own_kind)) is not _family(own_kind):
            branch.clear()
        for key, value in values.items():
            own = branch.get(key)
            branch[key] = {**own, **value} if isinstance(own, dict) and isinstance(value, dict) else value
    return parse_config(tree, source="the settings" if path is None else str(path))


def _family(kind: object) -> type[Section] | None:
    """The settings class of a decoder kind; None if there is no such kind."""
    return next(
        (family for family in DECODER_FAMILIES if kind in get_args(family.model_fields["kind"].annotation)), None
    )


def _kinds(family: type[Section]) -> tuple[str, ...]:
    return get_args(family.model_fields["kind"].annotation)


def _read(path: Path) -> Tree:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such settings file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a settings file: {error}") from error
    except RecursionError as error:
        raise InputError(f"{path}: is nested too deeply to be a settings file") from error
    except ValueError as error:  # of TOML, or of Python for a number of thousands of digits
        raise InputError(f"{path}: is not TOML: {error}") from error


def parse_config(tree: Tree, source: str) -> Config:
    """Validate settings; `source` names them in error messages."""
    with content_of(source, "settings", "compare it with configs/schema.py"):
        try:
            return Config.model_validate(_without_withdrawn(tree, source))
        except ValidationError as error:
            # One fault per setting: pydantic reports a wrong list again for its remaining elements.
            told: list[dict[str, Any]] = [{**fault, "loc": _place(fault["loc"])} for fault in error.errors()]
            faults = {fault["loc"][:2]: fault for fault in reversed(told)}
            sentences = "; ".join(_sentence(fault) for fault in reversed(faults.values()))
            raise InputError(f"{source}: {sentences}") from error


def _without_withdrawn(tree: Tree, source: str) -> Tree:
    """The settings without those that are withdrawn, with a warning for each that was switched on."""
    tree = {name: dict(values) if isinstance(values, dict) else values for name, values in tree.items()}
    for key in set(_WITHDRAWN).difference(_known_keys()):
        section, _, name = key.partition(".")
        values = tree.get(section)
        if isinstance(values, dict) and values.pop(name, False):
            warnings.warn(f"{source}: {key} is no longer a setting and has no effect: leave it out", stacklevel=4)
    return tree


def with_architecture(config: Config, there: Config, source: str) -> Config:
    """Settings whose `run.architecture` is "voice", with the architecture of a voice where they leave it open.

    Args:
        config: the settings.
        there: those of the voice.
        source: its file, for messages.

    Raises:
        InputError: the two do not fit each other.
    """
    given = config.model_dump(exclude_unset=True, by_alias=True, exclude_none=True)
    theirs = there.model_dump(by_alias=True, exclude_none=True)
    for section in ("audio", "model", "decoder"):
        own = given.get(section, {})
        if own.get("kind", theirs[section].get("kind")) == theirs[section].get("kind"):
            given[section] = theirs[section] | own
    given["data"] = {key: theirs["data"][key] for key in ("language", "front_end")} | given["data"]
    given["run"]["architecture"] = "settings"
    return parse_config(given, source=f"the settings, with the architecture of {source}")


def dump_config(config: Config) -> str:
    """The resolved settings as TOML, which `parse_config(tomllib.loads(...))` restores."""
    return tomli_w.dumps(config.model_dump(exclude_none=True))


def differences(old: Config, new: Config, ignore: Iterable[str] = ()) -> list[str]:
    """The settings that differ, as `section.key: old -> new`, except those in `ignore`.

    Keys that only one of two decoder families has are omitted.
    """
    left, right = dict(_leaves(old.model_dump())), dict(_leaves(new.model_dump()))
    both = (left.keys() & right.keys()).difference(ignore)
    return [f"{key}: {left[key]!r} -> {right[key]!r}" for key in left if key in both and left[key] != right[key]]


def _leaves(tree: Tree) -> Iterator[tuple[str, Any]]:
    return ((f"{section}.{key}", value) for section, values in tree.items() for key, value in values.items())


def _apply(tree: Tree, override: str) -> None:
    key, equals, text = override.partition("=")
    section, dot, name = key.strip().partition(".")
    if not (equals and dot and section and name):
        raise InputError(f"{override!r} is not a setting: write section.key=value, such as train.batch_size=32")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        value = text.strip()  # a bare word or a path: data.root=LJSpeech-1.1
    if not isinstance(value, str) and _is_text(section, name):
        value = text.strip()  # a folder may be called 2024
    branch = tree.setdefault(section, {})
    *tables, name = name.split(".")  # data.columns.text=sentence, for shells take the braces of a table as their own
    for table in tables:
        branch = branch.setdefault(table, {})
        if not isinstance(branch, dict):
            raise InputError(f"{override!r}: {section}.{table} is given twice: leave one out")
    branch[name] = value


def _place(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The location of a fault, without the tag of the decoder family that pydantic inserts."""
    return location if location[:1] != ("decoder",) else (*location[:1], *location[2:])


def _is_text(section: str, name: str) -> bool:
    return any(
        kind.model_fields[name].annotation is str
        for key, kind in Config.sections()
        if key == section and name in kind.model_fields
    )


def _known_keys() -> list[str]:
    keys = (
        f"{name}.{field.alias or key}" for name, kind in Config.sections() for key, field in kind.model_fields.items()
    )
    return list(dict.fromkeys(keys))


def _sentence(fault: Any) -> str:
    if fault["type"] == "union_tag_invalid":
        return f"decoder.kind = {fault['ctx']['tag']!r}: input should be one of {', '.join(DECODER_KINDS)}"
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        # A misplaced key more often has the right name than the right section.
        families = [
            _kinds(family)
            for name, family in Config.sections()
            if name == "decoder" and fault["loc"][-1] in family.model_fields
        ]
        if fault["loc"][0] == "decoder" and families:
            owners = ", ".join(kind for kinds in families for kind in kinds)
            return f"{key} is not a setting of this decoder.kind, but of {owners}: leave one of the two out"
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
    reason = reason.replace("tuple", "list").replace("dictionary", "table")  # TOML's words, not Python's
    given = " ".join(repr(fault["input"]).split())
    return f"{key} = {given if len(given) <= _LONGEST_VALUE else given[:_LONGEST_VALUE] + '...'}: {reason}"
