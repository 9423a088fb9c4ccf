"""The generator's loss: every term by its name, every weight in one place (VITS, section 2.4, equation 11)."""

from collections.abc import Mapping

from torch import Tensor

from configs import LossSettings


def generator_objective(terms: Mapping[str, Tensor], weights: LossSettings) -> Tensor:
    """The sum of the terms, each times the weight of its name in the settings; 0-d.

    Args:
        terms: 0-d tensors by name. A term without a weight may be left out.
        weights: the section `loss`.

    Raises:
        KeyError: a term that has a weight is missing, or a term has no weight of its name.
    """
    unknown = terms.keys() - type(weights).model_fields.keys()
    if unknown:
        raise KeyError(f"no weight in [loss] is named {', '.join(sorted(unknown))}")
    weighted = [weight * terms[name] for name, weight in weights if name in terms or weight != 0.0]
    return sum(weighted[1:], start=weighted[0])
