"""Voices that exist only as an exported graph: Piper's, and our own.

A graph speaks, and holds what speaking needs. The posterior encoder is not in it, nor two parts of the stochastic
duration predictor that only training uses: these begin anew, and `training.recover` learns the first of them from the
voice's own speech.
"""

from pathlib import Path

from models.synthesizer import Synthesizer
from voices.export import OWN_METADATA
from voices.importing.assembly import Imported, SourceWeights, assemble, fill
from voices.importing.names import original_name
from voices.importing.onnx_graph import GraphWeights
from voices.importing.onnx_settings import OnnxSettings, read_graph
from voices.importing.original import piper_description, uniform_name
from voices.importing.report import Report
from voices.voice_file import VoiceFile, empty_synthesizer

_NEVER_HELD = ("duration_predictor.flow.couplings.0.", "duration_predictor.posterior_")
_PIPER_NEVER_HELD = ("dp.flows.1.", "dp.post_")
_NOTE = "an exported graph holds no posterior encoder and no discriminators: training begins these anew"


def read_onnx(path: Path, *, settings: Path | None = None) -> Imported:
    """Read the weights of an exported voice.

    Args:
        path: the graph.
        settings: the JSON file of a Piper voice, where it is not beside it.

    Raises:
        InputError: it is damaged, its weights are integers, or it is of another architecture.
    """
    model, described = read_graph(path, settings)
    weights = GraphWeights(model, str(path))
    if any(entry.key.startswith(OWN_METADATA) for entry in model.metadata_props):
        return _own(path, weights, described)
    stochastic = any(name.startswith("dp.flows.") for name in weights.tensors)
    theirs = SourceWeights(
        {uniform_name(name): tensor for name, tensor in weights.tensors.items()},
        original_name,
        str(path),
        _PIPER_NEVER_HELD if stochastic else (),
    )
    parameters = {"upsample_rates": weights.upsampling(), "resblock_dilation_sizes": weights.residual_dilations()}
    description = piper_description(
        settings or Path(f"{path}.json"), title="Piper voice in ONNX", source=path, parameters=parameters
    )
    imported = assemble(theirs, description)
    return Imported(imported.voice, imported.report.with_notes([_NOTE]))


def _own(path: Path, weights: GraphWeights, described: OnnxSettings) -> Imported:
    speakers = max(1, len(described.speakers))
    stochastic = described.config.model.duration_predictor == "stochastic"
    theirs = SourceWeights(weights.tensors, _same, str(path), _NEVER_HELD if stochastic else ())
    synthesizer: Synthesizer = empty_synthesizer(
        described.config,
        num_symbols=theirs.rows("text_encoder.embedding.weight"),
        num_speakers=speakers,
        posterior_encoder=False,
    )
    wanted = synthesizer.state_dict()
    theirs.tensors = {name: tensor for name, tensor in theirs.tensors.items() if name in wanted}  # and no constants
    lines = fill(synthesizer, theirs, described.config)
    voice = VoiceFile(
        config=described.config,
        synthesizer=synthesizer,
        symbols=described.symbols,
        speakers=described.speakers,
        step=described.step,
        lexicon=described.lexicon,
        origin=described.origin,
    )
    return Imported(voice, Report(f"{path}: exported voice", tuple(lines), (_NOTE,)))


def _same(name: str, *, kernels: int) -> str:
    return name
