"""What the settings of a Piper voice, its `config.json` or `NAME.onnx.json`, say of symbols and speaking."""

from collections.abc import Mapping
from typing import Any

from configs import InputError
from voices.importing.json_file import section


def own_speaking(tree: Mapping[str, Any]) -> dict[str, Any]:
    """How the voice prefers to speak, as our section [speaking]; what is not told is left out."""
    inference = section(tree, "inference")
    length_scale = inference.get("length_scale")
    speaking = {
        "noise_scale": inference.get("noise_scale"),
        "duration_noise_scale": inference.get("noise_w"),
        "speed": 1 / length_scale if isinstance(length_scale, (int, float)) and length_scale > 0 else None,
    }
    return {name: value for name, value in speaking.items() if value is not None}


def single_ids(tree: Mapping[str, Any], source: str) -> tuple[dict[str, Any], list[str]]:
    """The ids of symbols that are one character and have one id, not checked yet; and the symbols that are not such.

    Raises:
        InputError: there is no phoneme_id_map.
    """
    given = section(tree, "phoneme_id_map")
    if not given:
        raise InputError(f"{source}: has no phoneme_id_map: it is not the config.json of a Piper voice")
    ids, left_out = {}, []
    for symbol, rows in given.items():
        if isinstance(rows, list) and len(rows) == 1 and len(symbol) == 1:
            ids[symbol] = rows[0]
        elif rows:
            left_out.append(symbol)
    return ids, left_out
