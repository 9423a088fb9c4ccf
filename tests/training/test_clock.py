"""The parts of a run's time are all of it."""

import pytest

from training.reporting import Clock


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds, self.waited, self.processor = 100.0, 5.0, 7.0

    def clock(self) -> Clock:
        return Clock(lambda: self.waited, lambda: self.seconds, lambda: self.processor)


def test_each_part_has_its_share_and_the_pace_knows_no_validation() -> None:
    watch = Watch()
    clock = watch.clock()
    with clock.on("validation"):
        watch.seconds += 10
        watch.processor += 20  # of two threads
    with clock.on("saving"):
        watch.seconds += 5
    watch.seconds += 5
    watch.processor += 3
    watch.waited += 1
    assert clock.read(steps=2) == pytest.approx(
        {
            "throughput/seconds_per_step": 2.5,
            "throughput/processor_seconds_per_step": 1.5,
            "time/training": 0.2,
            "time/data": 0.05,
            "time/validation": 0.5,
            "time/saving": 0.25,
        }
    )


def test_after_a_reading_it_begins_anew_even_where_something_failed() -> None:
    watch = Watch()
    clock = watch.clock()

    def fails() -> None:
        with clock.on("saving"):
            watch.seconds += 3
            watch.processor += 2
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert clock.read(steps=1)["time/saving"] == 1.0
    watch.seconds += 4
    assert clock.read(steps=4) == {
        "throughput/seconds_per_step": 1.0,
        "throughput/processor_seconds_per_step": 0.0,
        "time/training": 1.0,
        **{f"time/{part}": 0.0 for part in ("data", "validation", "saving")},
    }
