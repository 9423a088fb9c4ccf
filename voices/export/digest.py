"""The SHA-256 of an ONNX file, stored in its own metadata, to detect damage.

It is the hash of the file with zeros in place of the digest. A second entry marks that there is one, so that a file
whose digest is not found counts as damaged, not as one from before there were digests.
"""

import hashlib

import onnx

from voices.export import OWN_METADATA

SEALED = f"{OWN_METADATA}sealed"
_KEY = f"{OWN_METADATA}sha256"
_DIGITS = 64
_ZEROS = "0" * _DIGITS
# protobuf's encoding of an entry: its key, then field number and length of the value.
_BEFORE = _KEY.encode() + bytes((0x12, _DIGITS))


def sealed(model: onnx.ModelProto) -> bytes:
    """Serialise a graph with its digest; both metadata entries are added to `model`."""
    for key, value in ((SEALED, "1"), (_KEY, _ZEROS)):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    content = bytearray(model.SerializeToString())
    place = _place(content)
    assert place is not None
    content[place : place + _DIGITS] = digest(content).encode()
    return bytes(content)


def is_intact(content: bytes) -> bool | None:
    """Whether a file matches its digest; None if it has none."""
    place = _place(content)
    return None if place is None else content[place : place + _DIGITS] == digest(content).encode()


def digest(content: bytes | bytearray) -> str:
    """The SHA-256 of a file in hexadecimal, with zeros in place of the digest that it contains."""
    place = _place(content)
    if place is None:
        return hashlib.sha256(content).hexdigest()
    view = memoryview(content)
    found = hashlib.sha256(view[:place])
    found.update(_ZEROS.encode())
    found.update(view[place + _DIGITS :])
    return found.hexdigest()


def _place(content: bytes | bytearray) -> int | None:
    """The position of the digest; the metadata follows the weights."""
    found = content.rfind(_BEFORE)
    place = found + len(_BEFORE)
    return place if found >= 0 and place + _DIGITS <= len(content) else None
