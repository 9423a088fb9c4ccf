"""Export a voice: `python -m models.export runs/ljspeech -o voice/`, for Piper, sherpa-onnx and transformers."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from configs import InputError, command
from configs.atomic_file import replacing
from models.export import needing_onnx
from models.export.hugging_face import export_hugging_face, hugging_face_settings
from models.importing.sources import load_voice_from
from models.voice_file import VoiceFile


def build_parser() -> argparse.ArgumentParser:
    """The command line of this file."""
    parser = argparse.ArgumentParser(
        prog="python -m models.export",
        description="Write a voice for Piper and sherpa-onnx, and prove that it says what it said before.",
    )
    parser.add_argument("voice", type=Path, help="a run folder, a voice.safetensors, or another program's checkpoint")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write into")
    parser.add_argument("--name", help="what the files are called (the run's or the file's name)")
    parser.add_argument("--config", type=Path, help="settings of another program's checkpoint, if not beside it")
    parser.add_argument(
        "--int8",
        action="store_true",
        help="write NAME.int8.onnx too, all but the decoder's convolutions in eight bits: a third as large with Vocos, "
        "two thirds with the paper's HiFi-GAN",
    )
    parser.add_argument("--fp16", action="store_true", help="write NAME.fp16.onnx too, half as large")
    parser.add_argument("--hf", action="store_true", help="write a Hugging Face VitsModel into DIR/NAME too")
    parser.add_argument("--quick", action="store_true", help="compare with torch only: no times, no clients")
    return parser


@command
def main() -> int:
    """Export from the command line: 0 if the contract holds, 1 if not."""
    arguments = build_parser().parse_args()
    voice = load_voice_from(arguments.voice, settings=arguments.config).voice
    name = arguments.name or name_of(arguments.voice)
    if not name or name.startswith(".") or set(name) & set("/\\"):
        raise InputError(f"--name {name!r}: give a name that can be a file's")
    if arguments.hf:
        hugging_face_settings(voice.synthesizer, voice.config)  # a voice that has none is told before any is written
    with needing_onnx():
        graphs = write_onnx(voice, arguments.output, name, int8=arguments.int8, fp16=arguments.fp16)
        code = _prove(voice, graphs, arguments.output / f"{name}.contract.json", quick=arguments.quick)
    if arguments.hf:
        for path in export_hugging_face(voice, arguments.output / name):
            print(path)
    return code


def name_of(path: Path) -> str:
    """What the files of an export are called: as the run, or as the file."""
    path = path.resolve()
    return path.parent.name if path.name == "voice.safetensors" else path.name if path.is_dir() else path.stem


def write_onnx(voice: VoiceFile, folder: Path, name: str, *, int8: bool = False, fp16: bool = False) -> dict[str, Path]:
    """Write the graph, Piper's settings and sherpa-onnx's tokens.

    Returns:
        The graphs: `float32`, and `int8` and `float16` where they were asked for.
    """
    import onnx

    from models.export.graph import trace_graph
    from models.export.piper import metadata, piper_settings, tokens
    from models.export.smaller import in_eight_bits, in_sixteen_bits

    plain = trace_graph(voice.synthesizer)
    makers: dict[str, tuple[str, Callable[[onnx.ModelProto], onnx.ModelProto]]] = {"float32": ("", lambda model: model)}
    if int8:
        makers["int8"] = (".int8", in_eight_bits)
    if fp16:
        makers["float16"] = (".fp16", in_sixteen_bits)
    settings = json.dumps(piper_settings(voice, dataset=name), ensure_ascii=False, indent=2) + "\n"
    graphs = {}
    for form, (ending, make) in makers.items():
        model = make(plain)
        onnx.helper.set_model_props(model, metadata(voice))
        graphs[form] = folder / f"{name}{ending}.onnx"
        _write(graphs[form], model.SerializeToString())
        _write(folder / f"{name}{ending}.onnx.json", settings.encode())
    _write(folder / "tokens.txt", tokens(voice).encode())
    return graphs


def _prove(voice: VoiceFile, graphs: dict[str, Path], path: Path, *, quick: bool) -> int:
    from models.export.contract import as_text, prove, write_contract

    contract = prove(voice, graphs, quick=quick)
    write_contract(path, contract)
    print(as_text(contract))
    if contract.broken is not None:
        print(f"error: {contract.broken}", file=sys.stderr)
        return 1
    return 0


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as file:
        file.write(content)
    print(path)


if __name__ == "__main__":
    sys.exit(main())
