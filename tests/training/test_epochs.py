"""Which epoch a step belongs to, also where epochs change their length."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from training.schedule import Epochs


def test_an_epoch_under_way_is_broken_off_and_counted() -> None:
    epochs = Epochs(5)
    assert [epochs.at(step) for step in (0, 4, 5, 9, 10)] == [0, 0, 1, 1, 2]
    assert epochs.broken_off(10, 3) == Epochs(3, 10, 2), "one that is whole is not broken off"
    other = epochs.broken_off(7, 10)
    assert other == Epochs(10, 7, 2)
    assert [other.at(step) for step in (7, 16, 17)] == [2, 2, 3]
    assert (epochs.end(3), other.end(3)) == (15, 17)


@given(some.lists(some.tuples(some.integers(1, 20), some.integers(0, 50)), min_size=1, max_size=6))
def test_epochs_never_go_back_and_each_has_its_length(changes: list[tuple[int, int]]) -> None:
    (length, step), *later = changes
    epochs, seen = Epochs(length), [0]
    seen += [epochs.at(each) for each in range(1, step + 1)]
    for length, steps in later:
        epochs = epochs.broken_off(step, length)
        seen += [epochs.at(each) for each in range(step, step + steps + 1)]
        assert epochs.at(step) == epochs.first_epoch
        assert epochs.end(epochs.first_epoch + 2) == step + 2 * length
        step += steps
    assert all(0 <= after - before <= 1 for before, after in pairwise(seen))
