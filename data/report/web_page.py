"""Self-contained HTML pages: no network access, no other files, and no script or style but their own."""

import base64
import hashlib
import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_BASE_STYLE = Path(__file__).with_name("page.css")
# Control, format (such as bidirectional overrides), surrogate and private-use characters, line separators.
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
_JOINERS = "\u200c\u200d"  # part of the spelling in Arabic and Indic scripts


def render_page(
    template: Path,
    *,
    styles: Sequence[Path] = (),
    scripts: Sequence[Path] = (),
    filters: Mapping[str, Callable[..., object]] | None = None,
    **content: object,
) -> str:
    """Render a page.

    The template gets `style`, `script` and, for its Content-Security-Policy, the hash of each: nothing else runs in the
    page, whatever its texts contain.

    Args:
        template: Jinja template.
        styles: appended to the style of all pages.
        scripts: concatenated.
        filters: of this page, besides those of all pages.
        content: other variables of the template.
    """
    import jinja2  # lazily: most commands that can write a page do not

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(printable=printable, symbol_name=symbol_name, codepoint=ord, **(filters or {}))
    joined_style, script = (
        "".join(path.read_text(encoding="utf-8") for path in paths) for paths in ([_BASE_STYLE, *styles], scripts)
    )
    return environment.get_template(template.name).render(
        style=joined_style, script=script, style_hash=_hash(joined_style), script_hash=_hash(script), **content
    )


def json_for_script(facts: object) -> str:
    """JSON for a script element, which no string in it can close."""
    text = json.dumps(facts, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _hash(content: str) -> str:
    """A source expression of a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def printable(text: str, most: int | None = None) -> str:
    """Text from an untrusted source with invisible characters escaped as ⟨U+202E⟩, cut after `most` characters."""
    cut = text if most is None else text[:most]
    shown = "".join(_shown(character) for character in cut)
    return shown if len(cut) == len(text) else f"{shown}… ({len(text)} characters)"


def symbol_name(symbol: str) -> str:
    """A symbol as it can be read on its own: a combining mark on a dotted circle, a space by its name."""
    if symbol == " ":
        return "space"
    return f"◌{symbol}" if unicodedata.category(symbol)[0] == "M" else _shown(symbol)


def _shown(character: str) -> str:
    if character not in _JOINERS and unicodedata.category(character) in _HIDDEN:
        return f"⟨U+{ord(character):04X}⟩"
    return character
