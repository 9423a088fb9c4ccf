"""The state of a training, from which it goes on bit for bit: what a checkpoint holds."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from configs.content import require_like
from monitoring.best import Best
from training.random_state import random_state, restore_random_state, seed_everything
from training.schedule import Epochs
from training.stages import load_optimizer_state, optimizer_state

if TYPE_CHECKING:
    from training.loop import TrainingLoop

# By their names in a checkpoint.
NETWORKS = {"synthesizer": "synthesizer", "discriminator": "discriminator", "average": "ema"}
OPTIMIZERS = ("synthesizer_optimizer", "discriminator_optimizer")
_READ_ELSEWHERE = ("config", "scaler", "output_gradients")  # entries whose structure their readers check


def state_of(trainer: "TrainingLoop") -> dict[str, Any]:
    """All training state, gathered from all ranks."""
    own = {"means": trainer.means.state_dict(), "random": random_state()}
    return {**_state_of_all_ranks(trainer), "ranks": trainer.ranks.gather(own)}


def load_state(trainer: "TrainingLoop", state: dict[str, Any], *, is_another: bool) -> None:
    """Go on from a checkpoint of the same settings and the same data; or, as another run, of others.

    Raises:
        ValueError, LookupError, RuntimeError, TypeError, AttributeError: the state is of another structure.
    """
    # What an older version wrote may lack something; settings are parsed, and what is drawn has its own readers.
    expected = _state_of_all_ranks(trainer)
    expected = {name: value for name, value in expected.items() if name not in _READ_ELSEWHERE}
    require_like(state, expected, complete=False)
    for name, attribute in NETWORKS.items():
        getattr(trainer, attribute).load_state_dict(state[name])
    for name in OPTIMIZERS:
        load_optimizer_state(getattr(trainer, name), state[name], trainer.config.train, trainer.optimizer_flags)
    if state["scaler"]:  # empty unless the run was in fp16
        trainer.scaler.load_state_dict(state["scaler"])
    trainer.objective.load_state_dict(state.get("objective", {}), strict=False)  # older versions had none
    if measured := state.get("output_gradients"):
        trainer.term_weights.norms, trainer.output_gradients = dict(measured["averages"]), dict(measured["latest"])
    trainer.initial_alignment.load_state_dict(state.get("monophones", {}))  # older versions had none
    trainer.from_seed, trainer.run_folder.origin = False, state.get("origin") or None
    trainer.step, trainer.seconds, trainer.best = state["step"], state["seconds"], Best(**state["best"])
    trainer.ending.without_improvement = state.get("without_improvement", 0)
    trainer.epochs = Epochs(**state.get("epochs", asdict(trainer.epochs)))
    trainer.validation_due = state.get("validation_due", False)
    if is_another:
        trainer.epochs = trainer.epochs.broken_off(trainer.step, len(trainer.source))
        seed_everything(trainer.config.run.seed + trainer.step * trainer.ranks.count + trainer.ranks.rank)
        return
    own = state["ranks"][trainer.ranks.rank]
    trainer.means.load_state_dict(own["means"], trainer.device)
    restore_random_state(own["random"])


def _state_of_all_ranks(trainer: "TrainingLoop") -> dict[str, Any]:
    """The part of the state that is the same on every rank."""
    return {
        "config": trainer.config.model_dump(exclude_none=True),
        "symbols": trainer.corpus.symbols.to_json(),
        "speakers": list(trainer.corpus.speakers),
        "fingerprint": trainer.corpus.fingerprint,
        "origin": trainer.run_folder.origin or "",
        "step": trainer.step,
        "epochs": asdict(trainer.epochs),
        "validation_due": trainer.validation_due,
        "seconds": trainer.seconds,
        "without_improvement": trainer.ending.without_improvement,
        "best": asdict(trainer.best),
        "synthesizer": trainer.synthesizer.state_dict(),
        "discriminator": trainer.discriminator.state_dict(),
        "average": trainer.ema.state_dict(),
        "frozen": trainer.auxiliary_losses.frozen.checkpoint_state(),
        **{name: optimizer_state(getattr(trainer, name)) for name in OPTIMIZERS},
        "scaler": trainer.scaler.state_dict(),
        "objective": trainer.objective.state_dict(),
        "monophones": trainer.initial_alignment.state_dict(),
        "output_gradients": {"averages": trainer.term_weights.norms, "latest": trainer.output_gradients},
    }
