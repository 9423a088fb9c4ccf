"""The settings of a foreign voice, which are a JSON object."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configs import InputError


def read_json(path: Path) -> dict[str, Any]:
    """An object from a file.

    Raises:
        InputError: there is no such file, or it holds no JSON object.
    """
    try:
        tree = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON: {error}") from error
    if not isinstance(tree, dict):
        raise InputError(f"{path}: is not a JSON object")
    return tree


def section(tree: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A part of the settings that is an object itself; empty where there is none."""
    value = tree.get(name)
    return value if isinstance(value, dict) else {}


def whole_numbers(tree: Mapping[str, Any], name: str) -> dict[str, int]:
    """The entries of a section that are whole numbers, such as the ids of speakers."""
    return {key: value for key, value in section(tree, name).items() if type(value) is int}
