"""Which epoch a step belongs to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Epochs:
    """Passes over the data, counted from a step on: where a run goes on with other batches, an epoch begins there."""

    length: int  # steps
    first_step: int = 0
    first_epoch: int = 0  # that begins with `first_step`

    def at(self, step: int) -> int:
        """The epoch of the step that is made after so many."""
        return self.first_epoch + (step - self.first_step) // self.length

    def end(self, epochs: int) -> int:
        """How many steps have been made after so many epochs."""
        return self.first_step + (epochs - self.first_epoch) * self.length

    def broken_off(self, step: int, length: int) -> "Epochs":
        """The same count, where the epoch under way ends after `step` and all later ones have another length."""
        begun = -(-(step - self.first_step) // self.length)
        return Epochs(length, step, self.first_epoch + begun)
