"""Where to cut: the cheapest assignment of unit ends to silences, by dynamic programming.

U units · J silences, with both ends of the recording
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data.splitting.silences import Silences
from data.splitting.units import Unit

Floats = npt.NDArray[np.float64]

# Costs are squared standard scores. They were chosen on six chapters of 154 to 423 s, concatenated from 202 clips of
# LJSpeech: the ends of 159 of these are matched to silences by the speaking rate alone, 3 of them wrongly.
RATE_DEVIATION_OF_A_SECOND, LEAST_RATE_DEVIATION = 0.2, 0.06  # of log speaking rate; less over a longer time
ALIGNER_SECONDS = 0.25  # typical error of a good aligner
MOST_ALIGNER_COST = 4.0  # less than a match gains, as an aligner may be wrong
CLAUSE_COST = 3.0  # of a cut within a sentence
SHORT_SILENCE_COST, USUAL_SILENCE_SECONDS = 4.0, 0.4
MATCH_COST = -8.0  # of each unit end matched to a silence
CUT_COST = -1.0  # of each cut: after every sentence that ends in a silence, within one only if it is too long
# Maximum distance of a unit end from where the mean speaking rate puts it: a share of the whole, and at least.
FURTHEST_SHARE, FURTHEST_SECONDS = 0.08, 12.0
SHORTEST_UNIT_SECONDS = 0.3


@dataclass(frozen=True)
class Cut:
    """A piece of a recording, and its units."""

    start: float  # in seconds
    end: float
    first: int  # unit
    last: int  # exclusive
    relative_duration: float  # its speech duration, relative to that of its text at the mean speaking rate


def find_cuts(
    units: Sequence[Unit],
    silences: Silences,
    *,
    shortest_seconds: float,
    longest_seconds: float,
    times: Floats | None = None,
    cut_cost: float = CUT_COST,
) -> list[Cut] | None:
    """Cut a recording into pieces of whole units that are not too long.

    Args:
        units: of its text, in order.
        silences: of the recording.
        shortest_seconds: no piece is shorter.
        longest_seconds: no piece is longer.
        times: ends of the units according to an aligner [U], in seconds; None leaves them to the speaking rate.
        cut_cost: of each cut; a negative one cuts wherever there is a silence.

    Returns:
        The pieces in order, which together are the whole; None if there is no solution.
    """
    places, ends = silences.middles, _usual_ends(units, silences)  # [J], [U + 1]
    of_end = _end_costs(units, silences, times)  # [U + 1, J]
    far = max(FURTHEST_SECONDS, FURTHEST_SHARE * silences.spoken[-1])
    of_end[np.abs(ends[:, None] - silences.spoken[None]) > far] = np.inf
    best = np.full((len(units) + 1, len(places)), np.inf)
    best[0, 0] = 0.0
    before = np.zeros((*best.shape, 2), np.int32)
    of_end[-1, -1] = 0.0
    for unit in range(1, len(units) + 1):
        last = unit == len(units)
        for place in (len(places) - 1,) if last else np.flatnonzero(np.isfinite(of_end[unit, :-1])):
            low = int(np.searchsorted(places, places[place] - longest_seconds))
            high = int(np.searchsorted(places, places[place] - shortest_seconds, side="right"))
            first = min(unit - 1, int(np.searchsorted(ends, ends[unit] - 10 * longest_seconds)))
            if low >= high:
                continue
            spoken = silences.spoken[place] - silences.spoken[low:high]
            costs = best[first:unit, low:high] + _rate_costs(spoken[None], (ends[unit] - ends[first:unit])[:, None])
            least = int(np.argmin(costs))
            cost = costs.flat[least]
            if math.isfinite(cost):
                best[unit, place] = cost + of_end[unit, place] + cut_cost
                before[unit, place] = first + least // (high - low), low + least % (high - low)
    if not math.isfinite(best[-1, -1]):
        return None
    return _followed_back(before, places, ends, silences)


def match(
    units: Sequence[Unit], silences: Silences, *, longest_seconds: float, times: Floats | None = None
) -> list[Cut] | None:
    """The shortest pieces: a cut wherever a unit ends in a silence; arguments as `find_cuts`."""
    bounds = {"shortest_seconds": SHORTEST_UNIT_SECONDS, "longest_seconds": longest_seconds}
    return find_cuts(units, silences, times=times, cut_cost=MATCH_COST, **bounds)


def ends_of(matched: Sequence[Cut], units: int) -> Floats:
    """The end of each unit [U], in seconds; infinite if it is not in a silence."""
    times = np.full(units, np.inf)
    for cut in matched:
        times[cut.last - 1] = cut.end
    return times


def _followed_back(before: npt.NDArray[np.int32], places: Floats, ends: Floats, silences: Silences) -> list[Cut]:
    unit, place = before.shape[0] - 1, before.shape[1] - 1
    cuts = []
    while unit:
        first, start = (int(value) for value in before[unit, place])
        relative = (silences.spoken[place] - silences.spoken[start]) / (ends[unit] - ends[first])
        cuts.append(Cut(float(places[start]), float(places[place]), first, unit, float(relative)))
        unit, place = first, start
    return cuts[::-1]


def _usual_ends(units: Sequence[Unit], silences: Silences) -> Floats:
    """Speech before each unit and after the last [U + 1], in seconds, at a constant speaking rate."""
    lengths = np.cumsum([0, *(unit.length for unit in units)])
    return lengths / lengths[-1] * silences.spoken[-1]


def _rate_costs(spoken: Floats, usual: Floats) -> Floats:
    deviation = np.maximum(RATE_DEVIATION_OF_A_SECOND / np.sqrt(usual), LEAST_RATE_DEVIATION)
    with np.errstate(divide="ignore"):
        return np.square(np.log(spoken / usual) / deviation)


def _end_costs(units: Sequence[Unit], silences: Silences, times: Floats | None) -> Floats:
    """The cost of each unit end in each silence [U + 1, J]; no unit ends at the start of the recording."""
    lengths = silences.ends - silences.starts
    short = SHORT_SILENCE_COST * np.clip(1 - lengths / USUAL_SILENCE_SECONDS, 0, 1)
    clause = np.array([0.0, *(0.0 if unit.ends_sentence else CLAUSE_COST for unit in units)])
    costs = clause[:, None] + short[None]
    if times is not None:
        away = np.maximum(0, np.maximum(silences.starts[None] - times[:, None], times[:, None] - silences.ends[None]))
        costs[1:] += np.minimum(np.square(away / ALIGNER_SECONDS), MOST_ALIGNER_COST)
    costs[:, 0] = np.inf
    return costs
