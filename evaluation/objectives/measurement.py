"""The metrics of the voices of a study, all on the same held-out sentences, as `python -m evaluation` measures them.

Discriminators have no part in any metric. What is measured of one voice is kept in its run folder in the JSON of that
command, so that a study that goes on measures nothing twice.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from configs.content import UNFIT
from data.transcriber import Transcriber
from evaluation.held_out import as_read_by, choose_data, hold_out, recogniser_of
from evaluation.metric import Metric, MetricSection
from evaluation.objectives.arm import PlannedRun
from evaluation.parts import RECONSTRUCTION, SPEECH, PhonemeRecogniser, by_recogniser, by_transcriber
from evaluation.rendition import HeldOutSentence, Rendition
from evaluation.scoring import evaluate
from evaluation.subject import Subject, load_subject
from evaluation.table import write_json
from training.recogniser import phoneme_error_rate, phonemes_said

FILE = "evaluation.json"
REHEARD = "intelligibility of the reconstruction"
_NOISE_SEED = 1234
_SPOKEN = ("mel-cepstral distortion", "log-F0 RMSE")
_PERCENT = 100


class Measurement:
    """Measures voices on the same sentences, which are chosen, and whose recordings are measured, once.

    Args:
        runs: of the study.
        sentences: how many, at most.
        recogniser: whether to train one on the other recordings, for phoneme error rates.
        transcriber: for a word error rate.
        asr: its name; what another one understood is measured again.
        device: of the voices.
    """

    def __init__(
        self,
        runs: Sequence[PlannedRun],
        sentences: int,
        *,
        recogniser: bool,
        transcriber: Transcriber | None,
        asr: str | None,
        device: str,
    ) -> None:
        self.device, self.asr = device, asr
        first = load_subject(runs[0].folder, device=device, seed=_NOISE_SEED)
        voice = first.voice
        data = as_read_by(voice, choose_data(voice.config, None))
        self.sentences = hold_out(voice, data, sentences, run=runs[0].folder)
        self.parts: list[MetricSection] = [RECONSTRUCTION, MetricSection(SPEECH.title, tuple(_named(SPEECH, _SPOKEN)))]
        if transcriber is not None:
            self.parts.append(by_transcriber(transcriber, voice.front_end, self.sentences))
        if recogniser:
            self._add_recogniser(first)

    def _add_recogniser(self, first: Subject) -> None:
        """Train the recogniser of the study, or load it: that of its first run, whatever the seeds of the others."""
        trained = recogniser_of(first.voice, as_read_by(first.voice, first.voice.config.data))
        if trained is not None:
            self.parts += [_of_reconstruction(trained, self.sentences), by_recogniser(trained, self.sentences)]

    def measure(self, runs: Sequence[PlannedRun]) -> dict[PlannedRun, dict[str, Any]]:
        """The content of `evaluation.json` of every run; measured where the file there is not of these metrics.

        Raises:
            InputError: a voice is damaged, or a file cannot be written.
        """
        found = {}
        bar = tqdm(runs, desc="evaluating", unit="voice", delay=2, disable=None, leave=False)
        for run in bar:
            path = run.folder / FILE
            subject = load_subject(run.folder, device=self.device, seed=_NOISE_SEED)
            kept = read_evaluation(path)
            if kept is None or not self._is_of(kept, subject):
                write_json(path, self.sentences, [evaluate(subject, self.sentences, self.parts, asr=self.asr)])
                kept = read_evaluation(path)
                if bar.disable:
                    print(f"{run.name}: evaluated", flush=True)
            assert kept is not None
            found[run] = kept
        sys.stdout.flush()
        return found

    def _is_of(self, kept: dict[str, Any], subject: Subject) -> bool:
        """Whether an evaluation is of this voice, these sentences and these metrics."""
        (voice,) = kept["voices"]
        metrics = [(part.title, metric.name) for part in self.parts for metric in part.metrics]
        return (
            voice["step"] == subject.step
            and voice.get("asr") == self.asr
            and [one["id"] for one in kept["sentences"]] == [one.id for one in self.sentences]
            and [(row["part"], row["name"]) for row in voice["rows"]] == metrics
            and all(bool(row["note"]) == _is_lacking(subject, self.parts, row) for row in voice["rows"])
        )


def read_evaluation(path: Path) -> dict[str, Any] | None:
    """Read what `write_json` wrote of one voice; None where there is no such file, or a damaged one."""
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
        (voice,) = found["voices"]
        _ = voice["step"], [one["id"] for one in found["sentences"]]
        _ = [(row["part"], row["name"], row["note"], row["values"]) for row in voice["rows"]]
    except (OSError, *UNFIT):
        return None
    return found


def _named(part: MetricSection, names: Sequence[str]) -> list[Metric]:
    return [metric for metric in part.metrics if metric.name in names]


def _is_lacking(subject: Subject, parts: Sequence[MetricSection], row: dict[str, Any]) -> bool:
    """Whether what a metric needs is missing here: where it was installed since, the voice is evaluated again."""
    needs = next(
        metric.needs
        for part in parts
        for metric in part.metrics
        if (part.title, metric.name) == (row["part"], row["name"])
    )
    return any(need in subject.lacks for need in needs)


def _of_reconstruction(recogniser: PhonemeRecogniser, sentences: Sequence[HeldOutSentence]) -> MetricSection:
    """The phoneme errors of recordings through posterior encoder and decoder.

    It tells decoders apart after a few thousand steps, when speech from text is not understood yet.
    """
    said = {sentence.id: phonemes_said(sentence.encoded.symbols) for sentence in sentences}

    def errors(it: Rendition) -> float:
        sound = it.reconstructed
        heard = recogniser.recognise(sound.audio, sound.sample_rate)
        return phoneme_error_rate(said[it.sentence.id], heard).rate * _PERCENT

    name, needs = "phoneme error rate", ("posterior encoder",)
    return MetricSection(REHEARD, (Metric(name, "%", "lower", errors, needs=needs),))
