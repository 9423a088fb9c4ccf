"""What was measured of a training step, under the names it has in JSON, and as a table to read.

Sums over parts are sums over one step.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """One part of a step, forward and backward together."""

    milliseconds: float
    flops: int
    bytes: int  # read and written by its operations
    dispatches: int  # operations, views aside
    host_waits: int
    peak_share: float  # of the matrix peak


@dataclass(frozen=True)
class Comparison:
    """Another way to make the same step, which stepped in turn."""

    name: str
    milliseconds_per_step: float
    ratio: float  # how many times as long it takes
    peak_memory_bytes: int


@dataclass(frozen=True)
class Measurement:
    """All that is known of a step."""

    command: str
    commit: str  # with a plus where files differ from it
    torch: str
    device: str
    precision: str
    batch_size: int
    mean_frames: int
    parameters: int  # of synthesizer and discriminator
    rounds: int  # that were timed
    milliseconds_per_step: float  # the median, while nothing watches
    steps_per_second: float
    parts: dict[str, Part]
    parts_milliseconds: float  # their sum: a step that is watched
    waiting_milliseconds: float  # GPU: of the step, without work; CPU: of the step, taken by other processes
    flops: int  # of convolutions and matrix products
    matrix_peak: float  # FLOPs per second of a large matrix product in this precision
    peak_share: float
    bytes: int
    dispatches: int
    kernel_launches: int | None  # GPU
    host_waits: dict[str, int]  # by part and operation
    sync_warnings: int | None  # GPU: waits as CUDA counts them
    peak_memory_bytes: int  # GPU: of tensors; CPU: of the process
    comparison: Comparison | None


def step_table(measured: Measurement) -> str:
    """The table, in Markdown that is also good to read as it is."""
    head = ("part", "ms", "% of step", "GFLOP", "% of peak", "GB moved", "dispatches", "host waits")
    rows = [_row(name, part, measured) for name, part in measured.parts.items()]
    everything = Part(
        milliseconds=measured.parts_milliseconds,
        flops=measured.flops,
        bytes=measured.bytes,
        dispatches=measured.dispatches,
        host_waits=sum(measured.host_waits.values()),
        peak_share=measured.flops / measured.matrix_peak / (measured.parts_milliseconds / 1000),
    )
    return "\n".join([*markdown(head, [*rows, _row("all parts", everything, measured)]), "", *_sentences(measured)])


def markdown(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Lines of a table whose first column is words and whose others are numbers."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: tuple[str, ...]) -> str:
        first, *rest = (f"{cell:{'<' if not n else '>'}{widths[n]}}" for n, cell in enumerate(cells))
        return f"| {' | '.join([first, *rest])} |"

    ruler = "|" + "|".join(("-" * (width + 1) + (":" if n else "-")) for n, width in enumerate(widths)) + "|"
    return [line(head), ruler, *(line(row) for row in rows)]


def _row(name: str, part: Part, measured: Measurement) -> tuple[str, ...]:
    return (
        name,
        f"{part.milliseconds:.1f}",
        f"{100 * part.milliseconds / measured.parts_milliseconds:.1f}",
        f"{part.flops / 1e9:.1f}",
        f"{100 * part.peak_share:.1f}",
        f"{part.bytes / 1e9:.2f}",
        str(part.dispatches),
        str(part.host_waits),
    )


def _sentences(measured: Measurement) -> list[str]:
    on_gpu = measured.kernel_launches is not None
    waits = ", ".join(f"{times} x {name}" for name, times in measured.host_waits.items()) or "none"
    lines = [
        f"- `{measured.command}`, commit {measured.commit or 'unknown'}, torch {measured.torch}, {measured.device}, "
        f"{measured.precision}, batch {measured.batch_size} of {measured.mean_frames} frames, "
        f"{measured.parameters / 1e6:.1f} M parameters",
        f"- step: {measured.milliseconds_per_step:.1f} ms (median of {measured.rounds}), "
        f"{measured.steps_per_second:.2f} steps/s; {measured.flops / 1e12:.3f} TFLOP, "
        f"{100 * measured.peak_share:.1f} % of the matrix peak of {measured.matrix_peak / 1e12:.2f} TFLOP/s",
        f"- waiting: {measured.waiting_milliseconds:.1f} ms a step "
        + ("without work" if on_gpu else "while other processes had the processor"),
        f"- peak memory: {measured.peak_memory_bytes / 2**30:.2f} GiB" + ("" if on_gpu else " (the whole process)"),
        f"- host waits a step: {waits}"
        + (f"; CUDA counts {measured.sync_warnings}" if measured.sync_warnings is not None else ""),
    ]
    if measured.kernel_launches is not None:
        lines.append(f"- kernels a step: {measured.kernel_launches}")
    if measured.comparison is not None:
        other = measured.comparison
        lines.append(
            f"- {other.name}, in turn: {other.milliseconds_per_step:.1f} ms, {other.ratio:.2f} times as long; peak "
            f"memory {other.peak_memory_bytes / 2**30:.2f} GiB with both in memory"
        )
    return lines
