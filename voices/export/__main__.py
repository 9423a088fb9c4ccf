"""Export a voice: `python -m voices.export runs/ljspeech -o voice/`, for Piper, sherpa-onnx and transformers."""

from configs.command_line import check_arguments
from voices.export.command_line import read_arguments

if __name__ == "__main__":  # before the slow imports
    check_arguments(read_arguments)

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from configs import InputError, command
from configs.atomic_file import replacing
from voices.export import needing_onnx
from voices.export.hugging_face import export_hugging_face
from voices.importing.sources import load_voice_from
from voices.voice_file import VoiceFile


@command
def main() -> int:
    """Export from the command line: 0 if all was written and the verification passed, 1 if not."""
    arguments = read_arguments()
    voice = load_voice_from(arguments.voice, settings=arguments.config).voice
    name, folder = arguments.name, arguments.output
    with needing_onnx():
        from voices.export.piper import speaker_table

        graphs = write_onnx(
            voice,
            folder,
            name,
            int8=arguments.int8,
            fp16=arguments.fp16,
            piper_names=arguments.piper_names,
            words=arguments.lexicon_words,
        )
        if table := speaker_table(voice.speakers):
            print(table)
        code = _verify(voice, graphs, folder / f"{graphs['float32'].stem}.contract.json", quick=arguments.quick)
    if arguments.hf:
        try:
            for path in export_hugging_face(voice, folder / name):
                print(path)
        except InputError as error:
            print(f"error: {folder / name} was not written: {error}", file=sys.stderr)
            return 1
    return code


def write_onnx(
    voice: VoiceFile,
    folder: Path,
    name: str,
    *,
    int8: bool = False,
    fp16: bool = False,
    piper_names: bool = False,
    words: Path | None = None,
) -> dict[str, Path]:
    """Write the graph, Piper's settings and sherpa-onnx's tokens.

    Args:
        voice: to export.
        folder: to write into.
        name: of the voice.
        int8: whether to write a graph quantised to 8 bits, too.
        fp16: whether to write one with weights in 16 bits, too.
        piper_names: whether files are named as Piper's voices, `en_US-NAME-medium.onnx`.
        words: a text whose words go into lexicon.txt, in addition to those of the corpus.

    Returns:
        The graphs: `float32`, and `int8` and `float16` where they were asked for.
    """
    import onnx

    from voices.export.digest import sealed
    from voices.export.graph import trace_graph
    from voices.export.piper import metadata, piper_name, piper_settings, tokens
    from voices.export.sherpa_lexicon import lexicon_words, sherpa_lexicon
    from voices.export.smaller import in_eight_bits, in_sixteen_bits

    known = lexicon_words(voice, words) if voice.config.data.front_end == "espeak" else []
    plain = trace_graph(voice.synthesizer)
    makers: dict[str, tuple[str, Callable[[onnx.ModelProto], onnx.ModelProto]]] = {"float32": ("", lambda model: model)}
    if int8:
        makers["int8"] = ("int8", in_eight_bits)
    if fp16:
        makers["float16"] = ("fp16", in_sixteen_bits)
    graphs = {}
    for form, (ending, make) in makers.items():
        model = make(plain)
        # 8 bits are scaled to the largest value of each tensor, which is another in each chunk of a sentence.
        onnx.helper.set_model_props(model, metadata(voice, streams=form != "int8"))
        file = piper_name(voice, name, ending) if piper_names else f"{name}.{ending}".rstrip(".")
        graphs[form] = folder / f"{file}.onnx"
        _write(graphs[form], sealed(model))
        # Clients identify voices by the dataset.
        settings = json.dumps(piper_settings(voice, dataset=file), ensure_ascii=False, indent=2) + "\n"
        _write(folder / f"{file}.onnx.json", settings.encode())
    _write(folder / "tokens.txt", tokens(voice).encode())
    if known:
        try:
            _write(folder / "lexicon.txt", sherpa_lexicon(voice, known).encode())
        except InputError as error:
            warnings.warn(f"lexicon.txt was not written: {error}", stacklevel=2)
    return graphs


def _verify(voice: VoiceFile, graphs: dict[str, Path], path: Path, *, quick: bool) -> int:
    from voices.export.contract import as_text, verify, write_contract

    contract = verify(voice, graphs, quick=quick)
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
