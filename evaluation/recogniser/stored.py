"""A trained recogniser on disk: believed only if it is whole and is the one that was looked for.

A SHA-256 of the rest, one line of JSON, and the weights as safetensors.
"""

import hashlib
import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from configs.atomic_file import replacing
from configs.content import UNFIT, json_object, require_like
from evaluation.recogniser.error_rate import ErrorCounts
from evaluation.recogniser.features import MEL_BANDS
from evaluation.recogniser.listening import Recogniser
from evaluation.recogniser.network import RecogniserNetwork

_DIGEST_BYTES = hashlib.sha256().digest_size


def store(path: Path, key: str, recogniser: Recogniser) -> None:
    """Write a recogniser, or replace what is there, in one step.

    Raises:
        InputError: the disk is full or the folder is read-only.
    """
    counts = recogniser.calibration
    calibration = [counts.substitutions, counts.insertions, counts.deletions, counts.length]
    facts = {"key": key, "alphabet": recogniser.alphabet, "calibration": calibration}
    body = json.dumps(facts).encode() + b"\n" + save(recogniser.network.state_dict())
    with replacing(path) as file:
        file.write(hashlib.sha256(body).digest() + body)


def load_stored(path: Path, key: str) -> Recogniser | None:
    """Read the recogniser of this key; None where there is none, or where the file is damaged or another."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        return None
    line, _, weights = body.partition(b"\n")
    try:
        facts = json_object(line)
        if facts["key"] != key:
            return None
        require_like(facts, {"alphabet": [""], "calibration": [0]})
        alphabet = tuple(facts["alphabet"])
        with torch.device("meta"):
            network = RecogniserNetwork(bands=MEL_BANDS, classes=len(alphabet) + 1)
        network.load_state_dict(load(weights), assign=True)
        return Recogniser(network.eval().requires_grad_(False), alphabet, ErrorCounts(*facts["calibration"]))
    except (SafetensorError, *UNFIT):
        return None
