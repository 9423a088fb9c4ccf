"""`transformers.VitsModel` as an oracle: a second implementation of VITS, given the weights of one of our models.

The weights go there the way an exported voice's do. A wrong way could not make the parts agree: it is tested with them.
"""

from typing import Any

import torch
import transformers  # whose names are imported where they are used: each takes seconds
from torch import Tensor

from configs import Config
from models.synthesizer import Synthesizer
from voices.export.hugging_face import hugging_face_settings, hugging_face_weights


def counterpart(ours: Synthesizer, config: Config) -> Any:
    """A `VitsModel` with our weights, every one of them, in evaluation mode and without noise of its own."""
    quiet = {"speaking_rate": 1.0, "noise_scale": 0.0, "noise_scale_duration": 0.0}
    theirs: Any = transformers.VitsModel(transformers.VitsConfig(**{**hugging_face_settings(ours, config), **quiet}))
    theirs.eval().to(next(ours.parameters()).dtype)
    theirs.load_state_dict(hugging_face_weights(ours, config), strict=True)
    if config.model.duration_predictor == "stochastic":
        # Their training direction flips the two channels after the affine map as well, which neither the paper's code
        # nor their own inverse does; nothing there uses that direction. Flipping once more undoes it.
        for flows in (theirs.duration_predictor.flows, theirs.duration_predictor.post_flows):
            flows[0].forward = _flipped_back(flows[0].forward)
    return theirs


def _flipped_back(forward: Any) -> Any:
    def forward_without_flip(x: Tensor, mask: Tensor, **options: Any) -> tuple[Tensor, Any]:
        y, log_determinant = forward(x, mask, **options)
        return (y if options.get("reverse") else torch.flip(y, [1])), log_determinant

    return forward_without_flip
