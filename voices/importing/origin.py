"""Where a voice comes from and under which licence: what was published with it, and the voice that it was made from."""

import json
import re
from pathlib import Path
from typing import Any

from voices.importing.report import file_digest

_CARDS = ("MODEL_CARD", "MODEL_CARD.md", "MODEL_CARD.txt")
_MOST_BYTES = 1 << 16  # of a card
_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---(?:\n|\Z)", re.DOTALL)  # of a Hugging Face README, in YAML
_LICENCE_FIELDS = re.compile(r"^licen[sc]e(?:_name|_link)?:.*\S(?:\n[ \t-].*)*", re.MULTILINE)
_GENERIC_NAMES = {"voice.safetensors", "best.safetensors", "model.safetensors"}


def published_origin(voice: Path, settings: Path | None = None) -> str | None:
    """What was published with another program's voice about its origin.

    That is, the first of: the origin in its settings, if they are of an export of ours; the MODEL_CARD beside it; a
    field `license` of its settings or of a README.md beside it.

    Args:
        voice: a file or a folder.
        settings: its JSON file, where it is not beside it.

    Returns:
        The text; None if there is none.
    """
    folder = voice if voice.is_dir() else voice.parent
    trees = [_object(path) for path in (settings or Path(f"{voice}.json"), folder / "config.json")]
    own = [
        section.get("origin") for tree in trees for section in (tree, tree.get("parlance")) if isinstance(section, dict)
    ]
    cards = [_text(folder / name) for name in _CARDS]
    fields = [_licence(tree) for tree in trees]
    front = _FRONT_MATTER.match(_text(folder / "README.md"))
    of_readme = "\n".join(_LICENCE_FIELDS.findall(front[1])) if front else ""
    found = [text for text in (*own, *cards, *fields, of_readme) if isinstance(text, str) and text.strip()]
    # JSON can contain a lone surrogate, which no file can hold.
    return found[0].strip().encode("utf-8", "replace").decode() if found else None


def derived_origin(source: Path, origin: str | None, parts: tuple[str, ...] = ()) -> str:
    """What a voice says of the voice that its training began with.

    Args:
        source: the file or folder of that voice.
        origin: of that voice.
        parts: those that were taken; empty for all.
    """
    digest = file_digest(source / "model.safetensors" if source.is_dir() else source)
    kept = 3 if source.parent.name == "checkpoints" else 2 if source.name in _GENERIC_NAMES else 1
    name = "/".join(source.parts[-kept:])
    made = f"made from {name}" + (f" (SHA-256 {digest})" if digest else "")
    taken = f", of which it took {', '.join(parts)}" if parts else ""
    if origin is None:
        return f"{made}{taken}, which says nothing of its origin and licence"
    return f"{made}{taken}, which says of itself:\n\n{origin}"


def _licence(tree: dict[str, Any]) -> str:
    fields = ((name, tree.get(name)) for name in ("license", "licence", "license_name", "license_link"))
    return "\n".join(f"{name}: {value}" for name, value in fields if isinstance(value, str) and value.strip())


def _object(path: Path) -> dict[str, Any]:
    """A JSON file; empty where there is none, or another kind of content, which other readers refuse."""
    try:
        tree = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}


def _text(path: Path) -> str:
    """The beginning of a text file; empty where there is none."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError:
        return ""
    cut = "\n..." if len(content) > _MOST_BYTES else ""
    return content[:_MOST_BYTES].decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\0", "") + cut
