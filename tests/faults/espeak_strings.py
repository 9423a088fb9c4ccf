"""Strings of any kind given to espeak-ng, whose buffers have a fixed size: a crash there ends the process."""

from pathlib import Path

import pytest

from tests.faults.fault import Outcome, fault
from tests.text.espeak_child import EspeakChild, fuzzed


@fault(
    "any string given to espeak-ng, one in five normalised first",
    goal="no process ends, no exception",
    times=20_000,
    times_in_ci=300,
    slow=True,
)
def espeak_strings(times: int, folder: Path) -> Outcome:
    pytest.importorskip("piper")
    failures = []
    for how, seeds in (("read", range(times // 5)), ("unread", range(times // 5, times))):
        with EspeakChild(how) as child:
            for language, text in map(fuzzed, seeds):
                if not child.survives(language, text):
                    failures.append(f"{how}, {language}: {text!r}")
    return Outcome(f"{times - len(failures)} of {times} phonemised", failures)
