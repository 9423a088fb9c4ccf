"""Shared by all command lines: `--version`, and arguments that are checked before slow imports.

Importing torch takes seconds of CPU time, so the functions that parse a command line import only the settings. A module
that is both a command and a library checks its arguments between its imports:

    from data.command_line import read_prepare

    if __name__ == "__main__":
        check_arguments(read_prepare)

    import numpy
"""

import argparse
import inspect
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from configs.decoders import DECODER_KINDS
from configs.errors import command
from configs.schema import Config

_PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


class CommandParser(argparse.ArgumentParser):
    """An ArgumentParser with `--version`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        told = f"Parlance {version()}"
        self.add_argument("--version", action="version", version=told, help="show the version and exit")


def version() -> str:
    """The version in pyproject.toml."""
    stated: str = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["version"]
    return stated


def settings_help() -> str:
    """The sections of the settings, one per line, and where each setting is described."""
    lines = ["settings (described in docs/settings.md, defined in configs/schema.py; configs/*.toml are experiments):"]
    for name, field in Config.model_fields.items():
        described = f"The decoder, from latents to the waveform; decoder.kind is one of {', '.join(DECODER_KINDS)}."
        if isinstance(field.annotation, type):  # the decoder's is a union
            described = inspect.getdoc(field.annotation) or ""
        lines.append(f"  {name}.KEY=VALUE".ljust(28) + described)
    return "\n".join(lines)


def check_arguments(read: Callable[[], object]) -> None:
    """Exit now if `read`, which parses the command line, exits or raises an InputError.

    So `--help`, `--version` and mistakes are answered before the imports that follow.
    """

    @command
    def checked() -> int:
        read()
        return 0

    code = checked()
    if code:
        sys.exit(code)
