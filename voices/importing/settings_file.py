"""The JSON settings of other programs' voices; Piper's are `config.json` or `NAME.onnx.json`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configs import InputError


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

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
    """The object of this name; empty if there is none."""
    value = tree.get(name)
    return value if isinstance(value, dict) else {}


def integers(tree: Mapping[str, Any], name: str) -> dict[str, int]:
    """The integer values of the object of this name, such as speaker ids."""
    return {key: value for key, value in section(tree, name).items() if type(value) is int}


def piper_speaking(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The inference settings of a Piper voice as our section [speaking], as far as they are given."""
    inference = section(tree, "inference")
    length_scale = inference.get("length_scale")
    speaking = {
        "noise_scale": inference.get("noise_scale"),
        "duration_noise_scale": inference.get("noise_w"),
        "speed": 1 / length_scale if isinstance(length_scale, (int, float)) and length_scale > 0 else None,
    }
    return {name: value for name, value in speaking.items() if value is not None}


def piper_ids(tree: Mapping[str, Any], source: str) -> tuple[dict[str, Any], list[str]]:
    """The ids, unchecked, of the symbols of a Piper voice that are one character with one id; and the other symbols.

    Raises:
        InputError: there is no phoneme_id_map.
    """
    given = section(tree, "phoneme_id_map")
    if not given:
        raise InputError(f"{source}: has no phoneme_id_map: it is not the config.json of a Piper voice")
    ids, skipped = {}, []
    for symbol, rows in given.items():
        if isinstance(rows, list) and len(rows) == 1 and len(symbol) == 1:
            ids[symbol] = rows[0]
        elif rows:
            skipped.append(symbol)
    return ids, skipped
