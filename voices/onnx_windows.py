"""The inverse flow and the decoder of one of our graphs, over a whole sentence or over windows of it.

As `Synthesizer.decode` and `Synthesizer.stream`, in ONNX Runtime. A window is a chunk widened by the receptive fields,
which the export has written into the metadata of the graph.

B batch · Z latent channels · F frames · S samples
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from configs import InputError
from models.piecewise import growing, piecewise
from voices.export import DECODER_FIELD, FLOW_FIELD, FRAME_MASK, Z_P, Z
from voices.export.noise import between, open_apart, run_graph

Array = NDArray[np.float32]

_JOIN = partial(np.concatenate, axis=2)


@dataclass(frozen=True)
class ReceptiveFields:
    """Frames to each side of its own that a frame depends on."""

    flow: int
    decoder: int

    @classmethod
    def of(cls, model: onnx.ModelProto, source: str) -> "ReceptiveFields | None":
        """Those of a graph; None if it does not tell them, as those of other programs and quantised ones.

        Raises:
            InputError: they are no numbers.
        """
        told = {entry.key: entry.value for entry in model.metadata_props if entry.key in (FLOW_FIELD, DECODER_FIELD)}
        if len(told) < 2 or not {Z_P, Z, FRAME_MASK} <= {name for node in model.graph.node for name in node.output}:
            return None
        for name, value in told.items():
            if not value.isdecimal():
                raise InputError(f"{source}: its metadata is damaged ({name} = {value!r}): export the voice again")
        return cls(int(told[FLOW_FIELD]), int(told[DECODER_FIELD]))


class WindowedDecoder:
    """Two sessions: the inverse flow, and the decoder.

    Args:
        model: the graph; its first output is the audio.
        fields: its receptive fields.
        threads: of each operator; 0 is ONNX Runtime's default.
    """

    def __init__(self, model: onnx.ModelProto, fields: ReceptiveFields, *, threads: int = 0) -> None:
        self.fields = fields
        self._flow = open_apart(between(model, (Z_P, FRAME_MASK), (Z,)), threads=threads)
        self._decoder = open_apart(between(model, (Z, FRAME_MASK), (model.graph.output[0].name,)), threads=threads)

    def whole(self, z_p: Array, frame_mask: Array, speaker: Mapping[str, NDArray[Any]]) -> Array:
        """Decode whole sentences.

        Args:
            z_p: [B, Z, F].
            frame_mask: [B, 1, F].
            speaker: the inputs of the graph by name.

        Returns:
            [B, 1, S].
        """
        feeds = {**speaker, FRAME_MASK: frame_mask}
        (z,) = run_graph(self._flow, {**feeds, Z_P: z_p})
        return run_graph(self._decoder, {**feeds, Z: z})[0]

    def stream(self, z_p: Array, speaker: Mapping[str, NDArray[Any]], *, first_frames: int) -> Iterator[Array]:
        """Decode one sentence in chunks, each [1, 1, samples]; concatenated, they are the whole.

        Args:
            z_p: [1, Z, F].
            speaker: as for `whole`.
            first_frames: of the first chunk; later ones are larger, so that less of the work is the receptive fields.
        """

        def inverse_flow(window: Array) -> Array:
            feeds = {**speaker, FRAME_MASK: np.ones_like(window[:, :1]), Z_P: window}
            return run_graph(self._flow, feeds)[0]

        def decode(window: Array) -> Array:
            feeds = {**speaker, FRAME_MASK: np.ones_like(window[:, :1]), Z: window}
            return run_graph(self._decoder, feeds)[0]

        frames = z_p.shape[2]
        # The first chunk needs all frames of its receptive fields.
        sizes = growing(first_frames + self.fields.flow + self.fields.decoder, frames)
        chunks = np.split(z_p, np.cumsum(sizes)[:-1], axis=2)
        z = piecewise(inverse_flow, chunks, self.fields.flow, total=frames, join=_JOIN)
        return piecewise(decode, z, self.fields.decoder, total=frames, join=_JOIN)
