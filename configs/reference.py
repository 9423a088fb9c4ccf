"""The settings reference, generated from the schema: every key with its default and its docstring."""

import ast
import inspect
from itertools import pairwise
from typing import get_args

from pydantic.fields import FieldInfo

from configs.schema import Config
from configs.section import Section

_HEAD = """# Settings

Each experiment is a TOML file; `section.key=value` on the command line overrides one key. This page is generated from
the docstrings in `configs/` by `python -m configs > docs/settings.md`.
"""


def settings_reference() -> str:
    """The page, as Markdown."""
    return _HEAD + "".join(_section(*section) for section in Config.sections())


def _section(name: str, section: type[Section]) -> str:
    title = ", ".join((name, *(get_args(section.model_fields["kind"].annotation) if name == "decoder" else ())))
    described = field_docstrings(section)
    rows = [
        f"| `{field.alias or key}` | {_default(field)} | {_cell(described.get(key, ''))} |"
        for key, field in section.model_fields.items()
    ]
    summary = (section.__doc__ or "").strip().splitlines()[0]
    return "\n".join([f"\n## {title}\n", summary, "", "| key | default | meaning |", "|---|---|---|", *rows, ""])


def field_docstrings(section: type[Section]) -> dict[str, str]:
    """The docstring behind each field: pydantic would collect them too, but at each import, which takes 40 ms."""
    found: dict[str, str] = {}
    for owner in reversed(section.__mro__):
        if issubclass(owner, Section):
            (definition,) = ast.parse(inspect.getsource(owner)).body
            assert isinstance(definition, ast.ClassDef)
            for field, docstring in pairwise(definition.body):
                match field, docstring:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                        found[name] = inspect.cleandoc(text)
    return found


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _default(field: FieldInfo) -> str:
    return "" if field.is_required() or field.default is None else f"`{_toml(field.default)}`"


def _toml(value: object) -> str:
    """A default as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {_toml(item)}' for key, item in value.items())}}}"
    return str(value) if isinstance(value, int | float) else f'"{value}"'
