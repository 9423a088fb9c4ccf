"""Histograms count everything, and draw what they count."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from data.report.histogram import FRAME, histogram

_MEASURES = st.lists(st.none() | st.floats(-1e6, 1e6) | st.just(math.inf) | st.just(math.nan), max_size=60)


@settings(max_examples=200, deadline=None)
@given(_MEASURES)
def test_every_value_is_counted_and_drawn_inside_the_axes(values: list[float | None]) -> None:
    drawn = histogram("Length", "s", values)
    assert sum(bar.count for bar in drawn.bars) + drawn.unmeasured == len(values)
    assert len(drawn.bars) < 100
    for bar in drawn.bars:
        assert bar.x >= FRAME.left - 1e-6
        assert bar.x + bar.width <= FRAME.right + 1e-6
        assert FRAME.top - 1e-6 <= bar.y <= FRAME.bottom
        assert math.isclose(bar.y + bar.height, FRAME.bottom)
    for tick in drawn.x_ticks:
        assert FRAME.left - 0.01 <= tick.place <= FRAME.right + 0.01


def test_bars_hold_the_values_of_their_range() -> None:
    drawn = histogram("Length", "s", [0.0, 0.06, 0.11, 0.19, 1.01, 1.04, 1.6])
    counts = {bar.label: bar.count for bar in drawn.bars if bar.count}
    assert counts == {
        "0 to 0.05 s: 1": 1,
        "0.05 to 0.1 s: 1": 1,
        "0.1 to 0.15 s: 1": 1,
        "0.15 to 0.2 s: 1": 1,
        "1 to 1.05 s: 2": 2,
        "1.6 to 1.65 s: 1": 1,
    }
    assert [tick.label for tick in drawn.x_ticks] == ["0", "0.5", "1", "1.5"]


def test_what_lies_far_away_does_not_flatten_the_rest() -> None:
    usual = [2 + index / 50 for index in range(100)]
    drawn = histogram("Length", "s", [*usual, 3600.0])
    assert drawn.bars[-1].label.endswith("and more s: 1")
    assert sum(bar.count > 0 for bar in drawn.bars) > 10
