"""The content of a file, taken apart: whatever is wrong with it is one sentence that names the file.

A file may be whole, of the right format and under its own checksum, and still hold something else than the program
wrote: a value of another type, a list that is too short, a number of five thousand digits, lists nested ten thousand
deep. The reader of each format says what it expects; that nothing else passes as a traceback is said here.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from configs.errors import InputError

# What decoding raises where the content is another than expected. RecursionError is a RuntimeError, and so is what
# torch raises for weights that do not fit.
UNFIT = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
_LONGEST_REASON = 300


@contextmanager
def content_of(path: str | Path, kind: str, advice: str) -> Iterator[None]:
    """Within the block, whatever is raised by content that does not fit is an InputError.

    Args:
        path: the file, or what else is named.
        kind: what it should hold, such as "a checkpoint of a run".
        advice: what to do about it.

    Raises:
        InputError: the content does not fit. One that names the file already is left as it is.
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
    """A JSON object.

    Raises:
        ValueError: it is not UTF-8, not JSON, nested too deeply, or no object.
    """
    try:
        tree = json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(tree, dict):
        raise ValueError(f"it is a {type(tree).__name__} and not an object")
    return tree


def require_like(found: Any, expected: Any, place: str = "", *, complete: bool = True) -> None:
    """Compare the types of a tree of values with those of another that is known to be right.

    A mapping has all keys of the other, unless it need not be complete, and may have more; a list may have another
    length; where the other has None or is empty, anything may be. Tensors are compared by dtype and shape.

    Raises:
        ValueError: which value is of another type, and of which.
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
    """What `require_like` expects of the fields of a dataclass; other types than numbers and text are not checked."""
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
