"""Reports of a run while it trains: means of its metrics, validation, and the diagnosis of both."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from tqdm import tqdm

from configs import Config, InputError
from data.corpus import Corpus
from data.corpus_summary import summarise
from models.synthesizer import Synthesizer
from monitoring.best import GROUPS, Best, Weights
from monitoring.diagnosis import Finding, diagnose, read_run
from training.interruption import Interrupted, StopRequest
from training.metrics_logger import MetricsLogger
from training.pictures import alignment_picture, mel_picture
from training.validation import SynthesizedClip, Validation, ValidationResult
from training.word_errors import WordErrors

# TensorBoard's table of runs: the settings are those of these sections, and beside them stand these scalars.
_SECTIONS = ("audio", "model", "decoder", "discriminator", "loss", "train")
_METRICS = ("validation/score", "validation/mel", "validation/spoken_mel", "validation/kl", "validation/duration")


class Clock:
    """Measures the parts of a run between one report and the next.

    Args:
        waited: returns for how many seconds, so far, steps have waited for data.
        now: returns the time, in seconds.
        processor: returns the processor time of this process and its threads, in seconds.
    """

    def __init__(
        self,
        waited: Callable[[], float],
        now: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.process_time,
    ) -> None:
        self._waited, self._now, self._processor = waited, now, processor
        self._started, self._waited_before, self._processor_before = now(), waited(), processor()
        self._aside = {"validation": 0.0, "saving": 0.0}  # seconds
        self._first = self._started
        self._each: dict[str, list[float]] = {part: [] for part in self._aside}  # seconds, since the first
        self._processor_aside = 0.0

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        """Count what is done inside as `validation` or `saving`."""
        started, processor_started = self._now(), self._processor()
        try:
            yield
        finally:
            self._aside[part] += self._now() - started
            self._each[part].append(self._now() - started)
            self._processor_aside += self._processor() - processor_started

    @property
    def stepping_seconds(self) -> float:
        """Seconds since the beginning that were neither validation nor saving."""
        return self._now() - self._first - sum(map(sum, self._each.values()))

    def mean_seconds(self, part: str) -> float:
        """What a `validation` or `saving` takes; 0 where there was none."""
        return sum(self._each[part]) / max(1, len(self._each[part]))

    def read(self, steps: int) -> dict[str, float]:
        """Seconds per step, and the share of each part of the time; after which measuring starts again.

        What validation and saving took is in neither of the seconds per step. Those of the processor are the same
        however busy the machine is with other work, and more than the others where several threads compute.

        Args:
            steps: made since the last reading.
        """
        now, waited = self._now(), self._waited()
        whole = max(now - self._started, 1e-9)
        parts = {"data": waited - self._waited_before, **self._aside}
        training = max(whole - sum(parts.values()), 0.0)
        processor = self._processor()
        computed = processor - self._processor_before - self._processor_aside
        self._started, self._waited_before, self._processor_before = now, waited, processor
        self._aside, self._processor_aside = dict.fromkeys(self._aside, 0.0), 0.0
        shares = {f"time/{part}": seconds / whole for part, seconds in {"training": training, **parts}.items()}
        return {
            "throughput/seconds_per_step": (training + parts["data"]) / steps,
            "throughput/processor_seconds_per_step": computed / steps,
            **shares,
        }


class Reporter:
    """Reports how a run is going, in its folder, in TensorBoard and on the terminal.

    Args:
        config: the experiment.
        corpus: its recordings.
        logger: of the run folder.
        validation: of the voice.
        clock: knows where the time went.
    """

    def __init__(
        self, config: Config, corpus: Corpus, logger: MetricsLogger, validation: Validation, clock: Clock
    ) -> None:
        self.config, self.corpus = config, corpus
        self.logger, self.validation, self.clock = logger, validation, clock
        self.word_errors = None if config.train.asr is None else WordErrors(config)
        self.symbol_of_id = {index: symbol for symbol, index in corpus.symbols.ids.items()}
        self.read_at = 0  # step at which the clock was read last
        self.printed: set[str] = set()  # rules whose problems have been printed on the terminal

    def begin(self, step: int) -> None:
        """Write down what does not change, and measure throughput from this step on."""
        self.read_at = step
        summarise(self.corpus, self.config.audio.sample_rate).write(self.logger.folder / "corpus.json")
        clips = self.validation.clips[: self.config.train.spoken_sentences]
        self.logger.sentences({clip.id: clip.text for clip in clips})
        if step == 0:
            self.logger.hyper_parameters(_flat(self.config), _METRICS)

    def report(self, step: int, place: Mapping[str, float], means: Mapping[str, float]) -> str:
        """Write one line of metrics: means and throughput since the last one; return it in short."""
        throughput = self.clock.read(step - self.read_at)
        self.read_at = step
        self.logger.scalars(step, {**place, **throughput, **means})
        losses = (f"{name} {means[f'loss/generator/{name}']:.3f}" for name in ("mel", "kl", "duration"))
        return f"{'  '.join(losses)}  {throughput['throughput/seconds_per_step']:.2f} s/step"

    def validate(
        self, step: int, ema: Synthesizer, newest: Synthesizer, best: Best, stop: StopRequest | None = None
    ) -> Best:
        """Validate EMA and raw weights; return the best until now, which may be one of them.

        Raises:
            Interrupted: somebody asked to stop, and this would have taken long; no line was written.
        """
        stop = StopRequest() if stop is None else stop
        with evaluating(ema), evaluating(newest), stop.cutting_short():
            results: dict[Weights, ValidationResult] = {
                "averaged": self.validation.validate(ema),
                "newest": self.validation.validate(newest),
            }
            words = (
                self.word_errors.measure(results["averaged"].sentences)
                if self.word_errors is not None and self.word_errors.is_due(step)
                else {}
            )
        self._show(
            step, results["averaged"], stop
        )  # before the line is there: who follows the lines finds the sentences
        self.logger.scalars(
            step,
            {
                f"{GROUPS[weights]}/{name}": value
                for weights, each in results.items()
                for name, value in each.scalars.items()
            }
            | {f"{GROUPS['averaged']}/{name}": value for name, value in words.items()},
        )
        if self.config.train.histograms:
            for name, weight in newest.named_parameters():
                self.logger.histogram(step, f"weights/{name}", weight)
        for weights, each in results.items():
            if each.score < best.score:
                best = Best(step, each.score, weights)
        return best

    def diagnose(self, step: int, bar: "tqdm[Any]") -> list[Finding]:
        """Write the diagnosis to TensorBoard, and print each problem once on the terminal."""
        try:
            findings = diagnose(read_run(self.logger.folder))
        except InputError:  # no line yet
            return []
        lines = [f"- **{finding.severity}** ({finding.rule}): {finding.sentence}" for finding in findings]
        self.logger.text(step, "diagnosis", "\n".join(lines))
        for finding in findings:
            if finding.severity == "problem" and finding.rule not in {*self.printed, "outlook"}:
                self.printed.add(finding.rule)
                bar.write(f"problem at step {step} ({finding.rule}): {finding.sentence}")
        return findings

    def _show(self, step: int, results: ValidationResult, stop: StopRequest) -> None:
        rate = self.config.audio.sample_rate
        for sentence in results.sentences:
            if stop:  # asked between two of them, not in the midst of a file
                raise Interrupted
            if step == 0:
                self.logger.recording(step, sentence.clip.id, sentence.recording, rate)
            self.logger.synthesis(step, sentence.clip.id, sentence.audio, rate)
            self._draw(step, sentence)

    def _draw(self, step: int, sentence: SynthesizedClip) -> None:
        seconds_per_frame = 1 / self.config.audio.frames_per_second
        mels = {"recorded": sentence.recorded_mel, "synthesized": sentence.mel}
        symbols = [self.symbol_of_id[index] for index in sentence.clip.phoneme_ids.tolist()]
        pictures = {
            "mel": mel_picture(mels, seconds_per_frame=seconds_per_frame),
            "alignment": alignment_picture(sentence.durations, symbols, seconds_per_frame=seconds_per_frame),
        }
        for kind, picture in pictures.items():
            self.logger.picture(step, kind, sentence.clip.id, picture)


@contextmanager
def evaluating(network: Synthesizer) -> Iterator[None]:
    """Take a network out of training for a while, without compiling it anew for that."""
    training = network.training
    network.eval()
    try:
        with torch.compiler.set_stance("force_eager"):
            yield
    finally:
        network.train(training)


def _flat(config: Config) -> dict[str, bool | float | str]:
    """The settings one by one, as TensorBoard takes them: numbers, and all else in words."""
    values = ((section, name, value) for section in _SECTIONS for name, value in getattr(config, section))
    return {
        f"{section}.{name}": value if isinstance(value, bool | int | float) and math.isfinite(value) else str(value)
        for section, name, value in values
    }
