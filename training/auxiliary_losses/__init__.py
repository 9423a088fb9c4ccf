"""Optional terms of the generator loss, each built and computed only where its weight in [loss] is above 0."""

from torch import Tensor, nn

from configs import Config, InputError
from data.corpus import Corpus
from training.accumulation import LossNormalisation
from training.auxiliary_losses import between_speakers, perceptual, reconstruction  # noqa: F401 - their terms register
from training.auxiliary_losses.auxiliary_loss import AuxiliaryLoss, Ingredients
from training.features import GeneratorOutput
from training.frozen import FrozenNetworks

__all__ = ["AuxiliaryLoss", "AuxiliaryLosses", "Ingredients"]


class AuxiliaryLosses(nn.Module):
    """The optional terms of an experiment.

    Args:
        config: the experiment.
        corpus: its recordings.
        frozen: the networks of a checkpoint; None makes them, which may take minutes.
        verbose: whether to print how long that took.

    Raises:
        InputError: a term is between speakers, and there is one; or a network cannot be made.
    """

    def __init__(
        self, config: Config, corpus: Corpus, frozen: FrozenNetworks | None = None, *, verbose: bool = False
    ) -> None:
        super().__init__()
        weights, known = config.loss.weights, AuxiliaryLoss.of_weight
        used = {name: term for name, term in known.items() if weights[name] > 0.0}
        for name, term in used.items():
            if term.between_speakers and len(corpus.speakers) < 2:
                raise InputError(
                    f"loss.{name} = {weights[name]:g} is a loss between speakers, and "
                    f"{config.data.shards or config.data.root} has one: set loss.{name} = 0, or give recordings of "
                    "several with their names"
                )
        self.frozen = FrozenNetworks.made(config, corpus, verbose=verbose) if frozen is None else frozen
        self.terms = nn.ModuleDict({name: term(Ingredients(config, self.frozen)) for name, term in used.items()})

    def forward(self, output: GeneratorOutput, normalisation: LossNormalisation) -> dict[str, Tensor]:
        """Each term by the name of its weight, normalised; 0-d."""
        return {
            name: term(output) * getattr(normalisation, AuxiliaryLoss.of_weight[name].mean_over)
            for name, term in self.terms.items()
        }
