"""The outlook of a run: whether to continue, and what to expect then, or to stop, and which step is the best."""

import math
import shlex
from collections.abc import Sequence

import numpy as np

from monitoring.best import best_of
from monitoring.curves import Curve
from monitoring.finding import Finding, in_words
from monitoring.run import LEAST_VALIDATIONS, Run
from monitoring.trend import LEAST_POINTS, OCTAVES, Trend, fitted_points, trend

METRICS = {"score": "score", "mel": "mel distance"}  # the second where the first is never finite
EARLY_STEPS = 1000
WORTH_IT = 0.01  # relative decrease of the score for which doubling the steps is worth the time
PAST_IT = 0.01  # relative increase of the score above its best
VAGUE = 0.2  # half the prediction interval, relative to the score, above which there is no prediction
PRESENT = 0.05  # of the steps, over which the present speed is measured
LOOK_FIRST = ("speaking_rate_unlikely", "bandwidth_missing")  # notices about what training cannot mend


def outlook(run: Run, findings: Sequence[Finding]) -> Finding:
    """The outlook of a run with these findings.

    The score falls, stays or rises over the last two doublings of the steps, as `Trend` says. What to expect is told of
    twice the steps, because each doubling brings about as much as the one before, or less.
    """
    if problems := [finding.rule for finding in findings if finding.severity == "problem"]:
        told = f"Stop, and first mend the problems ({in_words(problems)}): more steps will not."
        return Finding("outlook", "problem", told)
    ahead = _ahead(run)
    if doubts := [finding.rule for finding in findings if finding.rule in LOOK_FIRST]:
        told = f"First listen to some recordings ({in_words(doubts)}): training cannot mend them, and a correction "
        told += f"needs a restart. If they are as they should be: {ahead.sentence}"
        return Finding("outlook", "notice", told)
    return ahead


def _ahead(run: Run) -> Finding:
    """The outlook where nothing is wrong."""
    if run.last_step < EARLY_STEPS:
        told = f"Keep going: {run.last_step} steps are too few for an outlook; look again from step "
        return Finding("outlook", "notice", f"{told}{EARLY_STEPS} on.{_how_to_continue(run, least=EARLY_STEPS)}")
    known = {metric: curve for metric in METRICS if (curve := run.known(f"validation/{metric}"))}
    metric = next((one for one in known if run.latest(f"validation/{one}")), next(iter(known), None))
    if metric is None:
        told = "No outlook: the curves have no validation (validation/score or validation/mel), and training losses "
        told += "alone do not tell. Listen to the generated sentences."
        return Finding("outlook", "notice", told)
    score = known[metric]
    fitted, last = trend(score), int(score.steps[-1])
    if len(score) >= LEAST_VALIDATIONS and run.latest(f"validation/{metric}") is None:
        told = f"No outlook: the newest validation with a finite {METRICS[metric]} was at step {last} of "
        told += f"{run.last_step}. The best is {best_of(run.curves, metric)}."
        return Finding("outlook", "notice", told)
    if fitted is None:
        told = f"Keep going: {LEAST_POINTS} validations after step {last // 2**OCTAVES} are needed for an outlook, and "
        told += f"there are {len(fitted_points(score))}."
        # So many steps that there are as many validations after that share of them.
        between = last // max(1, len(score) - 1)
        enough = math.ceil(LEAST_POINTS / (1 - 2**-OCTAVES)) * between
        return Finding("outlook", "notice", f"{told}{_how_to_continue(run, least=enough)}")
    return _from_trend(run, score, fitted, metric)


def _from_trend(run: Run, score: Curve, fitted: Trend, metric: str) -> Finding:
    """The outlook from the trend of the score of the EMA weights; the best step may be one of the raw weights."""
    best, last = best_of(run.curves, metric), int(score.steps[-1])
    now = f"the {METRICS[metric]} (lower is better) was {score.values[-1]:.3g} at step {last}"
    since = f"since step {fitted.since}"
    if fitted.slope > fitted.slope_error and fitted.now > (1 + PAST_IT) * score.values.min():
        told = f"Stop: {now} and has been rising on the whole {since}. The best is {best}."
        return Finding("outlook", "notice", told)
    if (fitted.high - fitted.low) / 2 > VAGUE * abs(fitted.now):
        told = f"Keep going, and look again: {now} and varies too much to predict it after "
        return Finding("outlook", "ok", f"{told}{2 * last} steps. The best so far is {best}.{_how_to_continue(run)}")
    expected = f"about {fitted.expected:.3g} ({max(fitted.low, 0):.3g} to {fitted.high:.3g}) after {2 * last} steps"
    expected += _time(run, 2 * last)
    if fitted.slope < -fitted.slope_error and fitted.now - fitted.expected > WORTH_IT * abs(fitted.now):
        told = f"Keep going: {now} and has been falling on the whole {since}; expect {expected}. The best "
        return Finding("outlook", "ok", f"{told}so far is {best}.{_how_to_continue(run)}")
    told = f"Stop, or go on for the sound alone: {now} and has hardly changed on the whole {since}; expect {expected}"
    told += f", which is no better. The best is {best}. Adversarial training may still improve what the "
    told += "score does not measure: compare two checkpoints by listening, and stop when you hear no difference."
    return Finding("outlook", "ok", f"{told}{_how_to_continue(run)}")


def _how_to_continue(run: Run, *, least: int = 0) -> str:
    """The command that trains to twice the steps, and at least to these, where the planned ones are done."""
    if run.config is None or run.config.train.epochs is not None or run.last_step < run.config.train.steps:
        return ""
    folder = shlex.quote(str(run.folder or run.config.run.dir))
    command = f"python train.py --resume {folder} train.steps={max(2 * run.last_step, least)}"
    return f" The planned steps are done: {command} goes on from there."


def _time(run: Run, until: int) -> str:
    """How long it takes to that step at the present speed, where the curves have the training time.

    The speed is that of the last steps: a step takes longer where the adversary has come in.
    """
    seconds = run.known("seconds", least=2)
    if seconds is None:
        return ""
    start = min(int(np.searchsorted(seconds.steps, (1 - PRESENT) * seconds.steps[-1])), len(seconds) - 2)
    per_step = (seconds.values[-1] - seconds.values[start]) / (seconds.steps[-1] - seconds.steps[start])
    hours = per_step * (until - seconds.steps[-1]) / 3600
    if not hours > 0:
        return ""
    return f", {hours:.1f} hours from now" if hours >= 1 else f", {60 * hours:.0f} minutes from now"
