"""What to do with a run: go on, and what to expect of it, or stop, and which step to keep."""

import math
import shlex
from collections.abc import Sequence

from monitoring.best import best_of
from monitoring.curves import Curve
from monitoring.finding import Finding
from monitoring.run import LEAST_VALIDATIONS, Run
from monitoring.trend import LEAST_POINTS, OCTAVES, Trend, fitted_points, trend
from monitoring.wording import in_words

MEASURES = {"score": "score", "mel": "mel distance"}  # the second where the first is never a number
EARLY_STEPS = 1000
WORTH_IT = 0.01  # share of the score that twice the steps must bring to be worth their time
PAST_IT = 0.01  # share by which the score is worse than its best
VAGUE = 0.2  # half the interval, as a share of the score, from which on nothing can be said
LOOK_FIRST = ("speaking_rate_unlikely", "bandwidth_missing")  # notices of what no step mends


def outlook(run: Run, findings: Sequence[Finding]) -> Finding:
    """The last word on a run, after all that was found.

    The score falls, stays or rises over the last two doublings of the steps: `Trend` says how that is told. Twice the
    steps are the natural next question, for each doubling brings about as much as the one before, or less.
    """
    if problems := [finding.rule for finding in findings if finding.severity == "problem"]:
        told = f"Stop, and first mend what is called a problem here ({in_words(problems)}): more steps will not."
        return Finding("outlook", "problem", told)
    ahead = _ahead(run)
    if doubts := [finding.rule for finding in findings if finding.rule in LOOK_FIRST]:
        first = f"First listen to some recordings ({in_words(doubts)}): no step mends what is wrong with them, and to "
        first += f"mend it is to begin again. If they are as they should be: {ahead.sentence}"
        return Finding("outlook", "notice", first)
    return ahead


def _ahead(run: Run) -> Finding:
    """What to expect where nothing is wrong."""
    if run.last_step < EARLY_STEPS:
        told = f"Keep going: {run.last_step} steps are too few to say how this run will end; look again from step "
        return Finding("outlook", "notice", f"{told}{EARLY_STEPS} on.{_how_to_go_on(run, least=EARLY_STEPS)}")
    known = {measure: curve for measure in MEASURES if (curve := run.known(f"validation/{measure}"))}
    measure = next((one for one in known if run.latest(f"validation/{one}")), next(iter(known), None))
    if measure is None:
        told = "How this run will end cannot be said: its curves have no validation (validation/score or "
        told += "validation/mel), and the losses of training alone do not tell. Listen to what it speaks."
        return Finding("outlook", "notice", told)
    score = known[measure]
    fitted, last = trend(score), int(score.steps[-1])
    if len(score) >= LEAST_VALIDATIONS and run.latest(f"validation/{measure}") is None:
        told = "How this run will end cannot be said: the newest validation with a number for the "
        told += (
            f"{MEASURES[measure]} was at step {last} of {run.last_step}. The best is {best_of(run.curves, measure)}."
        )
        return Finding("outlook", "notice", told)
    if fitted is None:
        told = f"Keep going: {LEAST_POINTS} validations after step {last // 2**OCTAVES} are needed to say how this run "
        told += f"will end, and it has {len(fitted_points(score))}."
        # So many steps that there are as many validations after that share of them.
        between = last // max(1, len(score) - 1)
        enough = math.ceil(LEAST_POINTS / (1 - 2**-OCTAVES)) * between
        return Finding("outlook", "notice", f"{told}{_how_to_go_on(run, least=enough)}")
    return _from_trend(run, score, fitted, measure)


def _from_trend(run: Run, score: Curve, fitted: Trend, measure: str) -> Finding:
    """What the trend of the averaged weights' score promises; the best step may be one of the newest weights."""
    best, last = best_of(run.curves, measure), int(score.steps[-1])
    now = f"the {MEASURES[measure]} (lower is better) was {score.values[-1]:.3g} at step {last}"
    since = f"since step {fitted.since}"
    if fitted.slope > fitted.slope_error and fitted.now > (1 + PAST_IT) * score.values.min():
        told = f"Stop: {now} and has been rising on the whole {since}. The best is {best}."
        return Finding("outlook", "notice", told)
    if (fitted.high - fitted.low) / 2 > VAGUE * abs(fitted.now):
        told = f"Keep going, and look again: {now} and varies too much to say where it will be after "
        return Finding("outlook", "ok", f"{told}{2 * last} steps. The best so far is {best}.{_how_to_go_on(run)}")
    expected = f"about {fitted.expected:.3g} ({max(fitted.low, 0):.3g} to {fitted.high:.3g}) after {2 * last} steps"
    if fitted.slope < -fitted.slope_error and fitted.now - fitted.expected > WORTH_IT * abs(fitted.now):
        told = f"Keep going: {now} and has been falling on the whole {since}; expect {expected}{_time(run)}. The best "
        return Finding("outlook", "ok", f"{told}so far is {best}.{_how_to_go_on(run)}")
    told = f"Stop, or go on for the sound alone: {now} and has hardly changed on the whole {since}; expect {expected}"
    told += f"{_time(run)}, which is no better. The best is {best}. Adversarial training may still improve what the "
    told += "score does not measure: listen to two checkpoints, and stop when you hear no difference."
    return Finding("outlook", "ok", f"{told}{_how_to_go_on(run)}")


def _how_to_go_on(run: Run, *, least: int = 0) -> str:
    """The command that does, to twice the steps and to these at least, where the planned ones are done."""
    if run.config is None or run.config.train.epochs is not None or run.last_step < run.config.train.steps:
        return ""
    folder = shlex.quote(str(run.folder or run.config.run.dir))
    command = f"python train.py --resume {folder} train.steps={max(2 * run.last_step, least)}"
    return f" The planned steps are done: {command} goes on from there."


def _time(run: Run) -> str:
    """How long as many steps again will take, where the run says how long these took."""
    seconds = run.known("seconds")
    if seconds is None or not seconds.values[-1] > 0:
        return ""
    hours = seconds.values[-1] / 3600
    return f", {hours:.1f} hours from now" if hours >= 1 else f", {60 * hours:.0f} minutes from now"
