"""A network of shapes alone has the names, shapes and kinds of one that was drawn, and nothing in it was drawn."""

import pytest
import torch

from models.shapes_only import shapes_only
from models.synthesizer import Synthesizer
from tests.clients.exported_voice import DECODERS, tiny_config


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("folded", [False, True])
def test_it_has_the_weights_of_a_drawn_network_with_and_without_weight_norm(decoder: str, folded: bool) -> None:
    config = tiny_config(decoder, data={"root": "corpus"})
    drawn = Synthesizer(config, num_symbols=7, num_speakers=2)
    before = torch.get_rng_state()
    with shapes_only():
        shapes = Synthesizer(config, num_symbols=7, num_speakers=2)
        if folded:
            shapes.fold_weight_norm()
    assert torch.equal(torch.get_rng_state(), before)
    if folded:
        drawn.fold_weight_norm()
    for of in (Synthesizer.named_parameters, Synthesizer.named_buffers):
        theirs = {name: (weight.shape, weight.dtype, weight.requires_grad) for name, weight in of(drawn)}
        assert {name: (weight.shape, weight.dtype, weight.requires_grad) for name, weight in of(shapes)} == theirs
    assert all(weight.is_meta for weight in shapes.parameters())
    constants = [name for name, buffer in shapes.named_buffers() if not buffer.is_meta]
    assert all(torch.equal(shapes.get_buffer(name), drawn.get_buffer(name)) for name in constants)
    assert bool(constants) == (decoder not in ("hifigan",))
    assert list(shapes.state_dict()) == list(drawn.state_dict())
