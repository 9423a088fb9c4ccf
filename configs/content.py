"""Validation of the content of files: whatever is wrong becomes one sentence that names the file.

A file may be complete, of the right format and with a valid checksum, and still have unexpected content: a value of
another type, a list that is too short, a number of five thousand digits, lists nested ten thousand deep. The reader of
each format states what it expects; here, everything else becomes an InputError instead of a traceback.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from configs.errors import InputError

# Exceptions of decoders on unexpected content. RecursionError is a RuntimeError, and so is what torch raises for
# weights that do not fit.
UNFIT = (ArithmeticError, AttributeError, EOFError, LookupError, RuntimeError, TypeError, ValueError)
_LONGEST_REASON = 300


@contextmanager
def content_of(path: str | Path, kind: str, advice: str) -> Iterator[None]:
    """Turn exceptions from unexpected content in this block into an InputError.

    Args:
        path: the file, or another name of the source.
        kind: the expected content, such as "a checkpoint of a run".
        advice: what to do.

    Raises:
        InputError: the content is unexpected. One that names the file already is passed on.
    """
    try:
        yield
    except InputError as error:
        if str(path) in str(error):
            raise
        raise InputError(f"{path}: {error}") from error
    except UNFIT as error:
        raise InputError(f"{path}: does not hold {kind} ({_reason(error)}): {advice}") from error


def json_object(content: str | bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        ValueError: it is not UTF-8, not JSON, nested too deeply, or not an object.
    """
    try:
        tree = json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(tree, dict):
        raise ValueError(f"it is a {type(tree).__name__} and not an object")
    return tree


def object_in(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one where there is no such file, or where it holds none."""
    try:
        return json_object(path.read_bytes())
    except (OSError, ValueError):
        return {}


def require_like(found: Any, expected: Any, place: str = "", *, complete: bool = True) -> None:
    """Compare the types in a tree of values with those of an expected tree.

    A mapping needs all expected keys (if `complete`), and may have more; a list may have any length; None and empty
    lists in the expected tree accept anything. Tensors are compared by dtype and shape.

    Raises:
        ValueError: a value has another type.
    """
    if expected is None:
        return
    if isinstance(expected, dict):
        _require(isinstance(found, dict), found, expected, place)
        for key, value in expected.items():
            inner = f"{place}.{key}" if place else str(key)
            if key in found:
                require_like(found[key], value, inner, complete=complete)
            elif complete:
                raise ValueError(f"{inner} is missing")
    elif isinstance(expected, list | tuple):
        _require(isinstance(found, list | tuple), found, expected, place)
        for index, value in enumerate(found):
            if expected:
                require_like(value, expected[min(index, len(expected) - 1)], f"{place}[{index}]", complete=complete)
    elif hasattr(expected, "shape"):
        fits = hasattr(found, "shape") and (found.dtype, found.shape) == (expected.dtype, expected.shape)
        _require(fits, found, expected, place)
    elif isinstance(expected, float) and not isinstance(expected, bool):
        _require(isinstance(found, int | float) and not isinstance(found, bool), found, expected, place)
    else:
        _require(type(found) is type(expected), found, expected, place)


def fields_like(kind: type) -> dict[str, Any]:
    """The expected tree of a dataclass for `require_like`; only numbers and text are checked."""
    return {field.name: {int: 0, float: 0.0, str: ""}.get(cast(type, field.type)) for field in fields(kind)}


def _require(fits: bool, found: Any, expected: Any, place: str) -> None:
    if not fits:
        raise ValueError(f"{place or 'it'} is {_described(found)} and not {_described(expected)}")


def _described(value: Any) -> str:
    kind = type(value).__name__
    return f"a {kind} of shape {list(value.shape)} in {value.dtype}" if hasattr(value, "shape") else f"a {kind}"


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"{str(error.args[0] if error.args else '')[:_LONGEST_REASON]!r} is missing"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= _LONGEST_REASON else f"{words[:_LONGEST_REASON]}..."
