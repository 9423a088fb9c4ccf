"""How figures and rules are written in what a rule says."""

from collections.abc import Iterable

from monitoring.curves import Curve


def percent(share: float) -> str:
    """A share as a percentage, to whole ones."""
    return f"{share:.0%}".replace("%", " %")


def steps_of(curve: Curve, last_step: int) -> str:
    """The stretch that a window of a curve covers: "the last 2000 steps"."""
    return f"the last {max(last_step - int(curve.steps[0]), 1)} steps"


def in_words(rules: Iterable[str]) -> str:
    """Rules as people call them: "kl exploding, mel stuck"."""
    return ", ".join(rule.replace("_", " ").replace("kl ", "KL ") for rule in rules)
