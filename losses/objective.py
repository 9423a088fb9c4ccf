"""The generator's loss: every term by its name, every weight in one place (VITS, section 2.4, equation 11)."""

from collections.abc import Mapping

from torch import Tensor


def generator_objective(terms: Mapping[str, Tensor], weights: Mapping[str, float | Tensor]) -> Tensor:
    """The sum of the terms, each times the weight of its name; 0-d.

    Args:
        terms: 0-d tensors by name. A term whose weight is the number 0 may be left out.
        weights: numbers or 0-d tensors by name.

    Raises:
        KeyError: a term that has a weight is missing, or a term has no weight of its name.
    """
    unknown = terms.keys() - weights.keys()
    if unknown:
        raise KeyError(f"no weight in [loss] is named {', '.join(sorted(unknown))}")
    needed = [name for name, weight in weights.items() if name in terms or isinstance(weight, Tensor) or weight != 0.0]
    weighted = [weights[name] * terms[name] for name in needed]
    return sum(weighted[1:], start=weighted[0])
