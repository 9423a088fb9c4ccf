"""What is drawn together, under which name, and what to look for in it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

# Points are of validations, dashes of a second line; what is exact is not smoothed.
Style = Literal["line", "exact", "points", "dashes", "dashed points"]


@dataclass(frozen=True)
class Series:
    """One curve of a chart."""

    curve: str  # its name in metrics.jsonl
    label: str
    style: Style = "line"


@dataclass(frozen=True)
class Chart:
    """Curves on one scale of values."""

    title: str
    unit: str
    about: str  # what is normal
    series: tuple[Series, ...]
    limits: tuple[float, float | None] | None = None  # of the values, where nature gives them; then the scale is linear
    level: float | None = None  # the value that the curves are compared with
    stacked: bool = False  # parts of one whole, above each other, each run in a chart of its own


@dataclass(frozen=True)
class Group:
    """Charts under one heading."""

    title: str
    about: str
    charts: tuple[Chart, ...]
    empty: str = ""  # said where there are no charts
    folded: bool = False


BALANCE = "Balance of the discriminator"
SHARES = ("training", "data", "validation", "saving")  # of the time, in the order in which they are stacked
MOST_OTHERS = 40  # charts of scalars that are not known here


def _both_weights(name: str) -> tuple[Series, ...]:
    """A figure of the validation, of the averaged weights and of the last ones."""
    return (
        Series(f"validation/{name}", "averaged weights", "points"),
        Series(f"validation_newest/{name}", "newest weights", "dashed points"),
    )


_LOSSES = (
    Chart(
        "Mel",
        "L1 of log-mel, nats",
        "Falls fast, then for a very long time; validation stays a little above training.",
        (Series("loss/mel", "training"), Series("validation/mel", "validation", "points")),
    ),
    Chart(
        "KL",
        "nats per frame",
        "Falls within the first hundreds or thousands of steps, then stays between about 0.5 and 3.",
        (
            Series("loss/kl", "training"),
            Series("validation/kl", "validation", "points"),
            Series("validation_newest/kl", "newest weights", "dashed points"),
        ),
    ),
    Chart(
        "Duration",
        "nats per phoneme",
        "Moves while the alignment forms, then falls slowly; validation that turns up has learned durations by heart.",
        (
            Series("loss/duration", "training"),
            Series("validation/duration", "validation", "points"),
            Series("validation_newest/duration", "newest weights", "dashed points"),
        ),
    ),
    Chart(
        "Adversarial",
        "least squares, all discriminators",
        "Two opponents: neither goes to zero, and neither runs away.",
        (Series("loss/discriminator", "discriminator"), Series("loss/adversarial", "synthesizer", "dashes")),
    ),
    Chart(
        "Feature matching",
        "L1 of the discriminators' features",
        "Often rises for a long time: the discriminators see more and more.",
        (Series("loss/feature_matching", "training"),),
    ),
    Chart(
        "Sub-band STFT",
        "spectral convergence and log magnitude",
        "Of decoders that speak in sub-bands; falls with the mel loss.",
        (Series("loss/subband_stft", "training"),),
    ),
    Chart(
        "Total of the synthesizer",
        "weighted sum",
        "Mostly the mel loss times its weight; compare it only between runs of the same weights.",
        (Series("loss/synthesizer", "training"),),
    ),
)
_VALIDATION = (
    Chart(
        "Score",
        "lower is better",
        "What the best checkpoint is chosen by: the mean of the two mel distances.",
        _both_weights("score"),
    ),
    Chart(
        "Copies of recordings",
        "L1 of log-mel, nats",
        "Held-out recordings through posterior and decoder: how well the voice can sound.",
        _both_weights("mel"),
    ),
    Chart(
        "Spoken from text",
        "warped L1 of log-mel, nats",
        "Held-out sentences against their recordings; many ways of speaking are right, so it levels off early.",
        _both_weights("spoken_mel"),
    ),
    Chart(
        "Length",
        "spoken / recorded",
        "Near 1: the voice speaks as fast as its speaker.",
        _both_weights("length_ratio"),
        level=1.0,
    ),
    Chart(
        "Loudness",
        "spoken minus recorded, LU",
        "Near 0: the voice is as loud as its recordings.",
        _both_weights("loudness_db"),
        level=0.0,
    ),
    Chart(
        "Longest phoneme",
        "share of the clip",
        "Falls to a tenth or so, which is no proof of an alignment; where it stays near 1, there is none.",
        _both_weights("longest_phoneme_share"),
        limits=(0.0, 1.0),
    ),
    Chart(
        "What the text tells",
        "nats per frame",
        "How much worse the text of another recording fits. Chance before the first steps, then near 0 while texts tell"
        " nothing about recordings; where it rises quickly, the alignment forms.",
        _both_weights("text_gain"),
        level=0.0,
    ),
)
_GRADIENTS = (
    *(
        Chart(
            f"Gradients of the {side}",
            "norm",
            "Before clipping. Steady within a factor of a few; the highest may stand out, but not ever more often.",
            (
                Series(f"gradient_norm/{side}", "mean of a report"),
                Series(f"gradient_norm_max/{side}", "highest", "dashes"),
            ),
        )
        for side in ("synthesizer", "discriminator")
    ),
    Chart(
        "Steps passed over",
        "share of the steps",
        "Gradients that were NaN or infinite: a few at the beginning of fp16, otherwise none.",
        (
            Series("passed_over/synthesizer", "synthesizer"),
            Series("passed_over/discriminator", "discriminator", "dashes"),
        ),
        limits=(0.0, None),
    ),
)
_PACE = (
    Chart(
        "Learning rate",
        "",
        "As the settings say: up while warming, then down a little every epoch.",
        (Series("pace/learning_rate", "learning rate", "exact"),),
    ),
    Chart(
        "Pace",
        "seconds per step",
        "Flat, but for what else the machine does.",
        (Series("pace/seconds_per_step", "training"),),
    ),
    Chart(
        "Where the time goes",
        "share of the time",
        "Nearly all of it should be training; much data means that the recordings are read too slowly.",
        tuple(Series(f"time/{part}", part) for part in SHARES),
        limits=(0.0, 1.0),
        stacked=True,
    ),
)


def groups(names: Collection[str]) -> list[Group]:
    """Everything that can be drawn of scalars of these names, in the order of the page."""
    discriminators = _discriminators(names)
    accuracy = tuple(
        Chart(
            sub_discriminator,
            "share judged right",
            "",
            (
                Series(f"accuracy_real/{sub_discriminator}", "real"),
                Series(f"accuracy_fake/{sub_discriminator}", "fake", "dashes"),
            ),
            limits=(0.0, 1.0),
            level=0.5,
        )
        for sub_discriminator in discriminators
    )
    parts = tuple(
        Chart(
            sub_discriminator,
            "least squares",
            "",
            (
                Series(f"discriminator_real/{sub_discriminator}", "real"),
                Series(f"discriminator_fake/{sub_discriminator}", "fake", "dashes"),
                Series(f"discriminator_fooled/{sub_discriminator}", "fooled", "points"),
            ),
        )
        for sub_discriminator in discriminators
    )
    known = [
        Group("Losses", "", _LOSSES, "No losses yet: the first come after train.report_every steps."),
        Group("Validation", "", _VALIDATION, "No validation yet: the next comes after train.validate_every steps."),
        Group("Gradients", "", _GRADIENTS, "No gradient norms in these metrics."),
        Group(
            BALANCE,
            "The share of logits on the right side of 0.5, of recordings (real) and of generated audio (generated),"
            " before each update. Near 1 for both, a sub-discriminator has won and its gradients teach little; near 0.5"
            " it is guessing.",
            accuracy,
            "No accuracies in these metrics.",
        ),
        Group("Least-squares parts of each sub-discriminator", "", parts, folded=True),
        Group("Learning rate, pace and time", "", _PACE, "No learning rate and no pace in these metrics."),
    ]
    drawn = {series.curve for group in known for chart in group.charts for series in chart.series}
    others = [name for name in names if name not in drawn | {"seconds", "pace/epoch"}][:MOST_OTHERS]
    rest = Group("Other scalars", "", tuple(Chart(name, "", "", (Series(name, name),)) for name in others), folded=True)
    present = [
        Group(group.title, group.about, tuple(_present(group.charts, names)), group.empty, group.folded)
        for group in (*known, rest)
    ]
    return [group for group in present if group.charts or group.empty]


def _discriminators(names: Iterable[str]) -> list[str]:
    """The discriminators that say something, in the order of the file."""
    found = [name.partition("/") for name in names]
    prefixes = ("accuracy_real", "discriminator_real")
    return list(dict.fromkeys(sub_discriminator for prefix, _, sub_discriminator in found if prefix in prefixes))


def _present(charts: Iterable[Chart], names: Collection[str]) -> Iterable[Chart]:
    """The charts that have a curve, without the series that have none."""
    for chart in charts:
        series = tuple(one for one in chart.series if one.curve in names)
        if series:
            yield Chart(chart.title, chart.unit, chart.about, series, chart.limits, chart.level, chart.stacked)
