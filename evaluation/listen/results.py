"""The results that listeners saved: mean ratings with intervals, and preferences."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from configs import InputError
from evaluation.listen.items import Kind
from evaluation.output import counted
from metrics.intervals import bootstrap, paired_test

# ITU-R BS.1534-3, post-screening: a listener who rates the hidden reference below 90 in more than 15 % of the items is
# excluded.
REFERENCE_LEAST, REFERENCE_SHARE = 90, 0.15


class _Saved(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SavedSystem(_Saved):
    """A system of the test."""

    name: str
    kind: Kind


class Preference(_Saved):
    """Two versions of a sentence, and the preferred one; None for no preference."""

    item: str
    text: str
    first: str
    second: str
    preferred: str | None


class Rating(_Saved):
    """The ratings of the versions of a sentence."""

    item: str
    text: str
    scores: dict[str, Annotated[int, Field(ge=0, le=100)]]


class Results(_Saved):
    """One file: the answers of one listener."""

    format: Literal["parlance-listening-1"]
    test: str
    listener: str
    saved: str
    systems: tuple[SavedSystem, ...]
    pairs: tuple[Preference, ...]
    ratings: tuple[Rating, ...]

    @model_validator(mode="after")
    def _check_names(self) -> "Results":
        known = {system.name for system in self.systems}
        for pair in self.pairs:
            if {pair.first, pair.second} - known or pair.preferred not in (pair.first, pair.second, None):
                raise ValueError(f"the pair of {pair.item} names a system that is not in it")
        for rating in self.ratings:
            if set(rating.scores) - known:
                raise ValueError(f"the rating of {rating.item} names a system that is not in the test")
        return self


def read_results(paths: Sequence[Path]) -> list[Results]:
    """Read result files; of one listener's files of one test, the last one saved counts.

    Raises:
        InputError: a file cannot be read, or is not of this kind.
    """
    newest: dict[tuple[str, str], Results] = {}
    for path in paths:
        try:
            found = Results.model_validate_json(path.read_bytes())
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(map(str, fault["loc"]))
            raise InputError(f"{path}: is not what a listening page saves: {where or 'it'}: {fault['msg']}") from error
        name = (found.test, found.listener or str(path))  # files without a name are of different listeners
        newest[name] = max(newest.get(name, found), found, key=lambda results: results.saved)
    return list(newest.values())


def results_table(results: Sequence[Results]) -> str:
    """The mean ratings, the differences of voices, and the preferences, each with its 95 % interval."""
    systems = list(dict.fromkeys(system for one in results for system in one.systems))
    tests = len({one.test for one in results})
    lines = [f"{counted(len(results), 'listener')}, {counted(tests, 'test')}"]
    lines += ["", *_means(results, systems)]
    lines += _section("of the same sentence by the same listener", _differences(results, systems))
    lines += _section("preferred", _preferences(results))
    lines += _section("to be doubted", _doubts(results, systems))
    return "\n".join(lines)


def _means(results: Sequence[Results], systems: Sequence[SavedSystem]) -> Iterator[str]:
    width = max(len("rated 0 to 100"), *(len(system.name) for system in systems))
    yield f"{'rated 0 to 100':{width}}   mean  95 % interval  ratings"
    rows = []
    for system in systems:
        given = [rating.scores[system.name] for rating in _ratings(results) if system.name in rating.scores]
        if given:
            rows.append((bootstrap(given), system.name))
    for interval, name in sorted(rows, key=lambda row: -row[0].mean):
        between = f"{interval.low:.1f} to {interval.high:.1f}"
        yield f"{name:{width}}  {interval.mean:5.1f}  {between:>13}  {interval.count:7}"


def _differences(results: Sequence[Results], systems: Sequence[SavedSystem]) -> Iterator[str]:
    for one, two in itertools.combinations([system.name for system in systems if system.kind == "voice"], 2):
        both = [rating.scores for rating in _ratings(results) if one in rating.scores and two in rating.scores]
        if len(both) < 2:
            continue
        test = paired_test([scores[two] for scores in both], [scores[one] for scores in both])
        mean = test.difference
        yield (
            f"{one} minus {two}: {mean.mean:+.1f}, 95 % interval {mean.low:+.1f} to {mean.high:+.1f}, "
            f"p = {test.p_value:.3f} (Wilcoxon), {mean.count} sentences"
        )


def _preferences(results: Sequence[Results]) -> Iterator[str]:
    """A line for each pair; the rate is among the answers with a preference, its interval Wilson's (1927)."""
    from scipy.stats import binomtest  # lazily: it takes a second to load

    pairs = [pair for one in results for pair in one.pairs]
    for one, two in dict.fromkeys(tuple(sorted((pair.first, pair.second))) for pair in pairs):
        answers = [pair.preferred for pair in pairs if {pair.first, pair.second} == {one, two}]
        ahead, behind = sorted((one, two), key=answers.count, reverse=True)
        decided = len(answers) - answers.count(None)
        undecided = f"{answers.count(None)} without a preference"
        if decided == 0:
            yield f"{ahead} and {behind}: {undecided}"
            continue
        found = binomtest(answers.count(ahead), decided)
        interval = found.proportion_ci(method="wilson")
        yield (
            f"{ahead} over {behind}: {answers.count(ahead)} of {decided}, {found.statistic:.0%}, 95 % interval "
            f"{interval.low:.0%} to {interval.high:.0%}, p = {found.pvalue:.3f} (binomial); {undecided}"
        )


def _doubts(results: Sequence[Results], systems: Sequence[SavedSystem]) -> Iterator[str]:
    """Listeners who did not recognise the hidden reference, and a remark on the p-values."""
    references = [system.name for system in systems if system.kind == "recording"]
    for one in results:
        given = [rating.scores[name] for rating in one.ratings for name in references if name in rating.scores]
        low = sum(score < REFERENCE_LEAST for score in given)
        if given and low > REFERENCE_SHARE * len(given):
            yield (
                f"{one.listener or 'a listener without a name'} gave the hidden recording less than {REFERENCE_LEAST} "
                f"in {low} of {len(given)} sentences; ITU-R BS.1534-3 excludes such a listener"
            )
    if len(results) > 1:
        yield "answers count as independent, but those of a listener are alike: intervals and p-values are too small"


def _section(title: str, lines: Iterator[str]) -> list[str]:
    found = list(lines)
    return ["", title, *found] if found else []


def _ratings(results: Sequence[Results]) -> list[Rating]:
    return [rating for one in results for rating in one.ratings]
