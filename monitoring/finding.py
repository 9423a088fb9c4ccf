"""What a rule finds."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["ok", "notice", "problem"]


@dataclass(frozen=True)
class Finding:
    """One sentence or a few, with the figures behind them.

    A `problem` is what keeps a run from giving a voice, a `notice` what costs quality or time, `ok` what is as it
    should be.
    """

    rule: str
    severity: Severity
    sentence: str
