"""What to do with a run: go on, and what to expect of it, or stop, and which step to keep."""

from collections.abc import Sequence

from training.verdict.best import best_of
from training.verdict.curves import Curve
from training.verdict.finding import Finding
from training.verdict.run import Run
from training.verdict.trend import LEAST_POINTS, Trend, trend

MEASURES = {"score": "score", "mel": "mel distance"}  # the second where the first is never a number
EARLY_STEPS = 1000
WORTH_IT = 0.01  # share of the score that twice the steps must bring to be worth their time
PAST_IT = 0.01  # share by which the score is worse than its best
VAGUE = 0.2  # half the interval, as a share of the score, from which on nothing can be said


def outlook(run: Run, findings: Sequence[Finding]) -> Finding:
    """The last word on a run, after all that was found.

    The score falls, stays or rises over the last two doublings of the steps: `Trend` says how that is told. Twice the
    steps are the natural next question, for each doubling brings about as much as the one before, or less.
    """
    problems = [finding.rule for finding in findings if finding.severity == "problem"]
    if problems:
        named = ", ".join(problems)
        return Finding("outlook", "problem", f"Stop, and mend first what is said above ({named}): more steps will not.")
    scores = {measure: run.known(f"validation/{measure}") for measure in MEASURES}
    measure = next((measure for measure, score in scores.items() if score and len(score) >= LEAST_POINTS), "score")
    score = scores[measure]
    fitted = trend(score) if score else None
    if score is None or fitted is None or run.last_step < EARLY_STEPS:
        points = max(len(score or ()) for score in scores.values())
        return Finding(
            "outlook",
            "notice",
            f"Keep going: {run.last_step} steps and {points} validations are too few to say how this run will end.",
        )
    return _from_trend(run, score, fitted, measure)


def _from_trend(run: Run, score: Curve, fitted: Trend, measure: str) -> Finding:
    """What the trend of the averaged weights' score promises; the best step may be one of the newest weights."""
    name, best, last = MEASURES[measure], best_of(run.curves, measure), int(score.steps[-1])
    gain = fitted.now - fitted.expected
    if fitted.slope > fitted.slope_error and fitted.now > (1 + PAST_IT) * score.values.min():
        return Finding(
            "outlook",
            "notice",
            f"Stop: the {name} (lower is better) has been rising and is {fitted.now:.3g}. The best is {best}.",
        )
    if (fitted.high - fitted.low) / 2 > VAGUE * abs(fitted.now):
        return Finding(
            "outlook",
            "ok",
            f"Keep going, and look again: the {name} is {fitted.now:.3g} and varies too much to say where it will be "
            f"after {2 * last} steps. The best so far is {best}.",
        )
    expected = f"about {fitted.expected:.3g} ({max(fitted.low, 0):.3g} to {fitted.high:.3g}) after {2 * last} steps"
    if fitted.slope < -fitted.slope_error and gain > WORTH_IT * abs(fitted.now):
        return Finding(
            "outlook",
            "ok",
            f"Keep going: the {name} (lower is better) is {fitted.now:.3g}, expect {expected}{_time(run)}. The best so "
            f"far is {best}.",
        )
    return Finding(
        "outlook",
        "ok",
        f"Stop, or go on for the sound alone: the {name} (lower is better) is {fitted.now:.3g}, expect {expected}"
        f"{_time(run)}, which is no better. The best is {best}. The judges may still improve what the score does not "
        "measure: listen to two checkpoints, and stop when you hear no difference.",
    )


def _time(run: Run) -> str:
    """How long as many steps again will take, where the run says how long these took."""
    seconds = run.known("seconds")
    if seconds is None or not seconds.values[-1] > 0:
        return ""
    hours = seconds.values[-1] / 3600
    return f", {hours:.1f} hours from now" if hours >= 1 else f", {60 * hours:.0f} minutes from now"
