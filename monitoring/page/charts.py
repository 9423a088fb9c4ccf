"""The charts of the page: which curves share one, their titles and units, and what is normal."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Literal

# "points" marks every point, as of validations; "exact" is never smoothed.
Style = Literal["line", "exact", "points", "dashes", "dashed points"]


@dataclass(frozen=True)
class Series:
    """One curve of a chart."""

    curve: str  # its name in metrics.jsonl
    label: str
    style: Style = "line"


@dataclass(frozen=True)
class Chart:
    """Curves that share an axis of values."""

    title: str
    unit: str
    about: str  # what is normal
    series: tuple[Series, ...]
    limits: tuple[float, float | None] | None = None  # of the axis, which is then linear; None leaves an end open
    level: float | None = None  # a value to compare with, drawn as a line
    stacked: bool = False  # shares of a whole, stacked, in a chart for each run


@dataclass(frozen=True)
class Group:
    """Charts under one heading."""

    title: str
    about: str
    charts: tuple[Chart, ...]
    empty: str = ""  # shown where there are no charts
    folded: bool = False


ACCURACY = "Discriminator accuracy"
SHARES = ("training", "data", "validation", "saving")  # of the time, in the order in which they are stacked
_WEIGHTED = "weighted_loss/generator/"
MOST_OTHERS = 40  # charts of scalars that are not known here


def _both_weights(name: str) -> tuple[Series, ...]:
    """A validation metric of the EMA weights and of the raw weights."""
    return (
        Series(f"validation/{name}", "EMA weights", "points"),
        Series(f"validation_newest/{name}", "raw weights", "dashed points"),
    )


def _loss(name: str) -> tuple[Series, ...]:
    """A generator loss in training and in validation."""
    return (
        Series(f"loss/generator/{name}", "training"),
        Series(f"validation/{name}", "validation", "points"),
        Series(f"validation_newest/{name}", "validation, raw weights", "dashed points"),
    )


def _accuracy(name: str) -> tuple[Series, ...]:
    """The accuracy of a sub-discriminator."""
    return (
        Series(f"discriminator_accuracy/real/{name}", "recordings"),
        Series(f"discriminator_accuracy/generated/{name}", "generated", "dashes"),
    )


def _adversarial(name: str) -> tuple[Series, ...]:
    """The losses of a sub-discriminator, and that of the generator for it."""
    return (
        Series(f"loss/discriminator/real/{name}", "discriminator, recordings"),
        Series(f"loss/discriminator/generated/{name}", "discriminator, generated", "dashes"),
        Series(f"loss/generator/adversarial/{name}", "generator", "points"),
    )


_LOSSES = (
    Chart(
        "Mel",
        "L1 of log-mel, nats",
        "Falls fast, then slowly for a very long time; validation stays a little above training.",
        _loss("mel")[:2],
    ),
    Chart(
        "KL",
        "nats per frame",
        "Falls within the first hundreds or thousands of steps, then stays between about 0.5 and 3.",
        _loss("kl"),
    ),
    Chart(
        "Duration",
        "nats per phoneme",
        "Changes while the alignment forms, then falls slowly; where validation rises again, it overfits.",
        _loss("duration"),
    ),
    Chart(
        "Adversarial",
        "sum over sub-discriminators",
        "Neither loss goes to zero, and neither keeps growing.",
        (
            Series("loss/discriminator/total", "discriminator"),
            Series("loss/generator/adversarial", "generator", "dashes"),
        ),
    ),
    Chart(
        "Feature matching",
        "L1 of feature maps",
        "Often rises for a long time, as the discriminator learns.",
        (Series("loss/generator/feature_matching", "training"),),
    ),
    Chart(
        "Sub-band STFT",
        "spectral convergence and log magnitude",
        "Of multi-band decoders; falls with the mel loss.",
        (Series("loss/generator/subband_stft", "training"),),
    ),
    Chart(
        "Generator total",
        "weighted sum",
        "Mostly the mel loss times its weight; compare it only between runs with the same weights.",
        (Series("loss/generator/total", "training"),),
    ),
)
_VALIDATION = (
    Chart(
        "Score",
        "lower is better",
        "The best checkpoint has the lowest: the mean of the two mel distances below.",
        _both_weights("score"),
    ),
    Chart(
        "Reconstruction",
        "L1 of log-mel, nats",
        "Validation recordings through posterior encoder and decoder: an upper bound of the audio quality.",
        _both_weights("mel"),
    ),
    Chart(
        "Speech from text",
        "L1 of log-mel after DTW, nats",
        "Generated sentences and their recordings; levels off early, because a sentence may be said in many ways.",
        _both_weights("spoken_mel"),
    ),
    Chart(
        "Words not understood",
        "word error rate, %",
        "By the ASR of train.asr: about 100 until the alignment is found; it makes errors with recordings too.",
        (
            Series("validation/word_error_rate", "generated", "points"),
            Series("validation/recorded_word_error_rate", "recordings", "dashed points"),
        ),
    ),
    Chart(
        "Length",
        "generated / recorded",
        "Near 1: the speaking rate is that of the recordings.",
        _both_weights("length_ratio"),
        level=1.0,
    ),
    Chart(
        "Loudness",
        "generated minus recorded, LU",
        "Near 0: speech is as loud as the recordings.",
        _both_weights("loudness_db"),
        level=0.0,
    ),
    Chart(
        "Longest phoneme",
        "share of the clip",
        "Falls to about a tenth, which does not prove an alignment; where it stays near 1, there is none.",
        _both_weights("longest_phoneme_share"),
        limits=(0.0, 1.0),
    ),
    Chart(
        "Text gain",
        "nats per frame",
        "How much worse the text of another recording fits. Arbitrary before training, then near 0 until the alignment"
        " forms, when it rises quickly.",
        _both_weights("text_gain"),
        level=0.0,
    ),
)
_GRADIENTS = (
    *(
        Chart(
            f"Gradients of the {network}",
            "norm",
            "Before clipping. Steady within a factor of a few; the highest may be far above, but not ever more often.",
            (
                Series(f"gradient_norm/{network}", "mean of a report"),
                Series(f"gradient_norm_max/{network}", "highest", "dashes"),
            ),
        )
        for network in ("generator", "discriminator")
    ),
    Chart(
        "Skipped updates",
        "share of the steps",
        "Updates whose gradients were NaN or infinite: a few at the beginning of fp16, otherwise none.",
        (
            Series("skipped_updates/generator", "generator"),
            Series("skipped_updates/discriminator", "discriminator", "dashes"),
        ),
        limits=(0.0, None),
    ),
)
_THROUGHPUT = (
    Chart(
        "Learning rate",
        "",
        "Follows the schedule of the settings: rises during warm-up, then falls a little every epoch.",
        (Series("schedule/learning_rate", "learning rate", "exact"),),
    ),
    Chart(
        "Throughput",
        "seconds per step",
        "Constant, except for what else the machine does; on a CPU, the processor's are constant even then.",
        (
            Series("throughput/seconds_per_step", "of the clock"),
            Series("throughput/processor_seconds_per_step", "of the processor", "dashes"),
        ),
    ),
    Chart(
        "Time",
        "share of the time",
        "Nearly all of it should be training; a large share of data means that reading recordings is too slow.",
        tuple(Series(f"time/{part}", part) for part in SHARES),
        limits=(0.0, 1.0),
        stacked=True,
    ),
)


def groups(names: Collection[str]) -> list[Group]:
    """All charts of scalars with these names, in the order of the page."""
    sub_discriminators = list(
        dict.fromkeys(
            name.removeprefix(prefix)
            for name in names
            for prefix in ("discriminator_accuracy/real/", "loss/discriminator/real/")
            if name.startswith(prefix)
        )
    )
    accuracy = tuple(
        Chart(name, "share classified correctly", "", _accuracy(name), limits=(0.0, 1.0), level=0.5)
        for name in sub_discriminators
    )
    terms = [name.removeprefix(_WEIGHTED) for name in names if name.startswith(_WEIGHTED)]
    pulls = (
        Chart(
            "Weighted terms",
            "times its weight",
            "What each term adds to the generator's loss; the largest need not pull hardest.",
            tuple(Series(f"{_WEIGHTED}{term}", term) for term in terms),
        ),
        Chart(
            "Gradients at the generated audio",
            "norm, without the weight",
            "How hard each term pulls at the same samples. Weights in the inverse proportion give two terms equal say;"
            " loss.balance = gradient shares by weight.",
            tuple(Series(f"output_gradient_norm/{term}", term, "points") for term in terms),
        ),
    )
    adversarial = tuple(Chart(name, "", "", _adversarial(name)) for name in sub_discriminators)
    known = [
        Group("Losses", "", _LOSSES, "No losses yet: the first come after train.report_every steps."),
        Group("Validation", "", _VALIDATION, "No validation yet: the next comes after train.validate_every steps."),
        Group("Terms of the generator loss", "", pulls),
        Group("Gradients", "", _GRADIENTS, "No gradient norms in these metrics."),
        Group(
            ACCURACY,
            "The share of logits on the right side of the boundary (0.5 for least squares, otherwise 0), of recordings"
            " and of generated audio, before each update."
            " Near 1 for both, a sub-discriminator has won and the generator learns little from it; near 0.5 it is"
            " guessing.",
            accuracy,
            "No accuracies in these metrics.",
        ),
        Group("Adversarial losses of each sub-discriminator", "", adversarial, folded=True),
        Group(
            "Learning rate, throughput and time",
            "",
            _THROUGHPUT,
            "No learning rate and no throughput in these metrics.",
        ),
    ]
    drawn = {series.curve for group in known for chart in group.charts for series in chart.series}
    others = [name for name in names if name not in drawn | {"seconds", "schedule/epoch"}][:MOST_OTHERS]
    rest = Group("Other scalars", "", tuple(Chart(name, "", "", (Series(name, name),)) for name in others), folded=True)
    present = [replace(group, charts=tuple(_present(group.charts, names))) for group in (*known, rest)]
    return [group for group in present if group.charts or group.empty]


def _present(charts: Iterable[Chart], names: Collection[str]) -> Iterable[Chart]:
    """The charts that have a curve, without the series that have none."""
    for chart in charts:
        series = tuple(one for one in chart.series if one.curve in names)
        if series:
            yield replace(chart, series=series)
