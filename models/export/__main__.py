"""Export a voice: `python -m models.export runs/ljspeech -o voice/`, for Piper, sherpa-onnx and transformers."""

from configs.command_line import check_arguments
from models.export.command_line import read_arguments

if __name__ == "__main__":  # before the slow imports
    check_arguments(read_arguments)

import json
import sys
from collections.abc import Callable
from pathlib import Path

from configs import command
from configs.atomic_file import replacing
from models.export import needing_onnx
from models.export.hugging_face import export_hugging_face, hugging_face_settings
from models.importing.sources import load_voice_from
from models.voice_file import VoiceFile


@command
def main() -> int:
    """Export from the command line: 0 if the contract holds, 1 if not."""
    arguments = read_arguments()
    name = arguments.name
    voice = load_voice_from(arguments.voice, settings=arguments.config).voice
    if arguments.hf:
        hugging_face_settings(voice.synthesizer, voice.config)  # a voice that has none is told before any is written
    with needing_onnx():
        from models.export.piper import speaker_table

        graphs = write_onnx(voice, arguments.output, name, int8=arguments.int8, fp16=arguments.fp16)
        if table := speaker_table(voice.speakers):
            print(table)
        code = _prove(voice, graphs, arguments.output / f"{name}.contract.json", quick=arguments.quick)
    if arguments.hf:
        for path in export_hugging_face(voice, arguments.output / name):
            print(path)
    return code


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
