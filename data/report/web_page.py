"""Pages that need nothing but a browser: no network, no other file, and only the style and script that are theirs."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_BASE_STYLE = Path(__file__).with_name("page.css")


def render_page(
    template: Path,
    *,
    style: Path | None = None,
    scripts: Sequence[Path] = (),
    filters: Mapping[str, Callable[..., object]] | None = None,
    **content: object,
) -> str:
    """A page as HTML.

    The template is given `style` and `script` and, for its Content-Security-Policy, the hash of each: nothing else runs
    in the page, whatever a text says.

    Args:
        template: of Jinja.
        style: of this page, behind that of all pages.
        scripts: one after the other.
        filters: of this page, beside those of all pages.
        content: what else the template is given.
    """
    import jinja2  # lazily: most who may write a page do not

    from data.report.printable import printable, symbol_name

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(printable=printable, symbol_name=symbol_name, codepoint=ord, **(filters or {}))
    styles = [_BASE_STYLE, *([style] if style else [])]
    joined_style, script = ("".join(path.read_text(encoding="utf-8") for path in paths) for paths in (styles, scripts))
    return environment.get_template(template.name).render(
        style=joined_style, script=script, style_hash=_hash(joined_style), script_hash=_hash(script), **content
    )


def _hash(content: str) -> str:
    """As a Content-Security-Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
