"""The command line of `python -m serving`."""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from configs import InputError
from configs.command_line import CommandParser
from serving.settings import ServingSettings

_METAVARS = {"host": "ADDRESS", "port": "PORT", "wyoming_port": "PORT", "cors": "ORIGIN"}


@dataclass(frozen=True)
class ServeArguments:
    """What the command line asks for."""

    voices: tuple[str, ...]  # PATH or NAME=PATH
    device: str
    settings: ServingSettings
    keys: tuple[bytes, ...]  # SHA-256 of each API key; without one, none is asked for


def read_arguments() -> ServeArguments:
    """Parse and check the command line.

    Raises:
        InputError: a number is out of its range, or the file of the keys has none.
    """
    given = vars(_parser().parse_args())
    voices, device, key_file = (given.pop(name) for name in ("voices", "device", "api_key_file"))
    given = {name: value for name, value in given.items() if value is not None}
    given = {"workers": _cores(), **given, "cors": tuple(given.get("cors", ()))}
    try:
        settings = ServingSettings.model_validate(given)
    except ValidationError as error:
        fault = error.errors()[0]
        option = _option(str(fault["loc"][0]))
        raise InputError(f"{option} {fault['input']}: {fault['msg'][0].lower()}{fault['msg'][1:]}") from error
    return ServeArguments(tuple(voices), device, settings, () if key_file is None else read_keys(key_file))


def read_keys(path: Path) -> tuple[bytes, ...]:
    """The SHA-256 of each key in a file, one key per line; empty lines and those that begin with # are skipped.

    Raises:
        InputError: the file cannot be read, or has no key, or one that is not ASCII.
    """
    import hashlib

    try:
        lines = [line.strip() for line in path.expanduser().read_text(encoding="ascii").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a file of API keys, one per line, in ASCII: {error}") from error
    keys = tuple(hashlib.sha256(line.encode()).digest() for line in lines if line and not line.startswith("#"))
    if not keys:
        raise InputError(f"{path}: has no API key: write one on a line of its own")
    return keys


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="python -m serving",
        description="Serve voices over HTTP (OpenAI's speech API, Piper's, and a page) and Wyoming.",
    )
    parser.add_argument(
        "voices",
        metavar="VOICE",
        nargs="+",
        help="a run folder, a voice.safetensors, an .onnx, a folder of these, or NAME=PATH",
    )
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, mps (%(default)s)")
    parser.add_argument("--api-key-file", metavar="FILE", type=Path, help="ask clients for one of these keys")
    for name, field in ServingSettings.model_fields.items():
        text = (field.description or "")[:1].lower() + (field.description or "")[1:].rstrip(".")
        if name == "log_texts":
            parser.add_argument(_option(name), action="store_true", default=None, help=text)
            continue
        default = {"workers": "one per core", "wyoming_port": "none", "cors": "none"}.get(name, field.default)
        parser.add_argument(
            _option(name),
            metavar=_METAVARS.get(name, "N"),
            type={"host": str, "cors": str}.get(name, number),
            action="append" if name == "cors" else "store",
            help=f"{text} ({default})",
        )
    return parser


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def number(text: str) -> int | float:
    """A whole number, or else a number; the name of this function is part of argparse's message."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
