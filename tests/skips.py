"""What a skipped test needs, and how to get it: `make test` ends with a table of them.

A skip gives its reason where it is; what it takes to run the test is said here, once for all tests of one need.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Need:
    """Something that not every machine has."""

    reasons: str  # a regular expression: what is found in the reasons of these skips
    what: str
    how: str


NEEDS = (
    Need(r"pesq|pyworld|pysptk|pymcd|fastdtw", "oracles in C", "make oracles, with a C compiler"),
    Need(
        r"selenium|chromium|browser",
        "a browser",
        "apt-get install chromium chromium-driver, and make setup-test for selenium",
    ),
    Need(r"CUDA|GPU", "a GPU", "run the tests on a machine with an NVIDIA GPU"),
    Need(
        r"real speech|transcripts of LJSpeech|recordings are not",
        "recordings of people, which are no part of the project",
        "put clips of LJSpeech (python -m data.ljspeech --download) into the folder that pytest -rs names",
    ),
    Need(
        r"fork|/proc|POSIX|Linux|resource|triton|always full|address space|flock|symlink",
        "another operating system",
        "run on Linux",
    ),
    Need(
        r"faster_whisper|no model of Whisper|resemblyzer",
        "an ASR or a speaker encoder with its weights",
        "make oracles, which downloads 200 MB for them",
    ),
    Need(r"only pax", "nothing: this kind of archive has no such field", "there is nothing to get"),
    Need(
        r"piper|sherpa|wyoming|onnx|transformers|webdataset|pyloudnorm|pystoi|speechmos|espeak|is not installed",
        "a library of requirements-test.lock",
        "make setup-test",
    ),
)


def need_of(reason: str) -> Need | None:
    """What a skip with this reason needs; None where nobody has said it."""
    return next((need for need in NEEDS if re.search(need.reasons, reason)), None)


def grouped(reasons: Iterable[str]) -> list[str]:
    """A line for each need, the most frequent first: how many tests, what they need, how to get it."""
    lines: Counter[str] = Counter()
    for reason in reasons:
        need = need_of(reason)
        lines[reason if need is None else f"{need.what}: {need.how}"] += 1
    return [f"{count:5} {line}" for line, count in lines.most_common()]
