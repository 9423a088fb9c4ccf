"""When training ends before its last step, and how long that is from now."""

from dataclasses import dataclass

from configs import TrainSettings
from monitoring.best import Best
from training.reporting import Clock

_NOT_MEASURED = 2  # first steps here, which are slower than the others
_MEASURED_STEPS, _MEASURED_SECONDS = 3, 10.0  # at least, before anything is said


@dataclass
class Ending:
    """The end that validations and hours bring: `train.patience` and `train.hours`."""

    settings: TrainSettings
    without_improvement: int = 0  # validations since the best one

    def validated(self, *, improved: bool) -> None:
        """Count a validation."""
        self.without_improvement = 0 if improved else self.without_improvement + 1

    @property
    def is_out_of_patience(self) -> bool:
        """Whether so many validations as `train.patience` in a row were no better than the best before."""
        return self.settings.patience is not None and self.without_improvement >= self.settings.patience

    def is_spent(self, seconds: float) -> bool:
        """Whether these seconds of training are `train.hours`."""
        return self.settings.hours is not None and seconds >= 3600 * self.settings.hours

    def sentence(self, best: Best, seconds: float) -> str:
        """Why training has ended before its last step; empty where it has not."""
        train = self.settings
        if self.is_out_of_patience:
            return (
                f"train.patience = {train.patience}: no validation since step {best.step} was better than that one, so "
                "training ends here; raise it to train on"
            )
        if self.is_spent(seconds):
            return f"train.hours = {train.hours:g} are spent, so training ends here; raise them to train on"
        return ""


class RemainingTime:
    """How long the rest of a run takes on this machine, by its steps, validations and checkpoints here until now.

    Args:
        settings: the train section.
        clock: measures them.
        step: updates made before this start.
        total_steps: updates after which training ends.
    """

    def __init__(self, settings: TrainSettings, clock: Clock, *, step: int, total_steps: int) -> None:
        self._settings, self._clock, self._total_steps = settings, clock, total_steps
        self._first, self._since = step + _NOT_MEASURED, clock.stepping_seconds
        self._told = False

    def seconds(self, step: int, seconds: float) -> float | None:
        """The seconds from a step to the end; None where too little is measured.

        Args:
            step: updates made.
            seconds: of training until now.
        """
        if (seconds_per_step := self._seconds_per_step(step)) is None:
            return None
        train, mean = self._settings, self._clock.mean_seconds
        left = seconds_per_step * (self._total_steps - step)
        for part, every in (("validation", train.validate_every), ("saving", train.checkpoint_every)):
            left += mean(part) * (-(-self._total_steps // every) - step // every)
        return left if train.hours is None else max(0.0, min(left, 3600 * train.hours - seconds))

    def forecast(self, step: int, seconds: float) -> str:
        """What the first steps tell, in a sentence, once they do; else nothing."""
        if step == self._first:
            self._since = self._clock.stepping_seconds
        if self._told or (left := self.seconds(step, seconds)) is None:
            return ""
        self._told = True
        train, seconds_per_step = self._settings, self._seconds_per_step(step) or 0.0
        told = f"{in_words(left)} to go on this machine: {seconds_per_step:.2g} s a step"
        if validation := self._clock.mean_seconds("validation"):
            told += f", {validation:.2g} s a validation"
        if train.hours is not None and (reached := step + int(left / seconds_per_step)) < self._total_steps:
            told += f"; train.hours = {train.hours:g} are enough for about {reached} of {self._total_steps} steps"
        return told

    def _seconds_per_step(self, step: int) -> float | None:
        steps, seconds = step - self._first, self._clock.stepping_seconds - self._since
        return seconds / steps if steps >= _MEASURED_STEPS and seconds >= _MEASURED_SECONDS else None


def in_words(seconds: float) -> str:
    """A time as people say it: "50 s", "12 min", "1 h 5 min", "2 d 3 h"."""
    minutes = round(seconds / 60)
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h"
