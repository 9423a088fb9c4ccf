"""The SHA-256 of a graph, kept in the graph's own metadata: a file that was changed in a single bit is found.

It is that of the whole file with zeros in its own place. A second entry says that there is one, so that a file whose
digest cannot be found is damaged, and not one that was written before there were digests.
"""

import hashlib

import onnx

from voices.export import OWN_METADATA

SEALED = f"{OWN_METADATA}sealed"
_KEY = f"{OWN_METADATA}sha256"
_DIGITS = 64
_ZEROS = "0" * _DIGITS
# As protobuf writes an entry: its key, then the field number and the length of its value.
_BEFORE = _KEY.encode() + bytes((0x12, _DIGITS))


def sealed(model: onnx.ModelProto) -> bytes:
    """The content of the file of a graph, with its digest; the metadata of `model` gets entries for both."""
    for key, value in ((SEALED, "1"), (_KEY, _ZEROS)):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    content = bytearray(model.SerializeToString())
    place = _place(content)
    assert place is not None
    content[place : place + _DIGITS] = digest(content).encode()
    return bytes(content)


def is_intact(content: bytes) -> bool | None:
    """Whether a file has the digest that it states; None where it states none."""
    place = _place(content)
    return None if place is None else content[place : place + _DIGITS] == digest(content).encode()


def digest(content: bytes | bytearray) -> str:
    """The SHA-256 of a file, in hexadecimal digits; where it states one itself, with zeros in that place."""
    place = _place(content)
    if place is None:
        return hashlib.sha256(content).hexdigest()
    view = memoryview(content)
    found = hashlib.sha256(view[:place])
    found.update(_ZEROS.encode())
    found.update(view[place + _DIGITS :])
    return found.hexdigest()


def _place(content: bytes | bytearray) -> int | None:
    """Where the digits are; the metadata stands behind the weights."""
    found = content.rfind(_BEFORE)
    place = found + len(_BEFORE)
    return place if found >= 0 and place + _DIGITS <= len(content) else None
