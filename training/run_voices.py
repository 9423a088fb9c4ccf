"""The voices in a run folder: the one of the newest checkpoint, and the best one until now.

Each belongs to a checkpoint, which is written first. Where a process was killed between the two, the voice is made
again from the checkpoint.
"""

from pathlib import Path

from configs import Config, InputError
from data.corpus import Corpus
from models.synthesizer import Synthesizer
from monitoring.best import Best
from training.ema import make_ema
from voices.checkpoint import checkpoint_path, content_of_checkpoint, load_checkpoint
from voices.voice_file import load_voice, save_voice

NEWEST, BEST = "voice.safetensors", "best.safetensors"


class RunVoices:
    """What infer.py needs of a run, and nothing else.

    Args:
        config: the experiment.
        corpus: its recordings.
    """

    def __init__(self, config: Config, corpus: Corpus) -> None:
        self.config, self.corpus = config, corpus

    def save(self, path: Path, synthesizer: Synthesizer, *, step: int) -> None:
        """Write a voice.

        Args:
            path: its file.
            synthesizer: speaks with it.
            step: of the training that made it.

        Raises:
            InputError: the disk is full or the folder is read-only.
        """
        corpus = self.corpus
        lexicon = None if corpus.lexicon is None else corpus.lexicon.to_json()
        symbols, speakers = corpus.symbols.to_json(), corpus.speakers
        save_voice(path, synthesizer, self.config, symbols=symbols, speakers=speakers, lexicon=lexicon, step=step)

    def mend(self, folder: Path, *, step: int, average: Synthesizer, best: Best) -> Best:
        """Make again what a killed process had not written yet, or what was damaged or deleted since.

        Args:
            folder: of the run.
            step: of the newest checkpoint; 0 where there is none.
            average: its averaged weights.
            best: the best voice until then, as that checkpoint says.

        Returns:
            The same; or that no voice is the best, where neither the best voice is there nor the checkpoint of its
            step.

        Raises:
            InputError: the disk is full or the folder is read-only.
        """
        if step and not _is_voice(folder / NEWEST, step):
            self.save(folder / NEWEST, average, step=step)
        if not best.step or _is_voice(folder / BEST, best.step):
            return best
        try:
            state = load_checkpoint(checkpoint_path(folder / "checkpoints", best.step))
        except InputError:
            print(f"{folder / BEST} of step {best.step} is gone, and so is its checkpoint: the best is looked for anew")
            return Best()
        synthesizer = make_ema(average)
        with content_of_checkpoint(checkpoint_path(folder / "checkpoints", best.step)):
            synthesizer.load_state_dict(state["average" if best.weights == "averaged" else "synthesizer"])
        self.save(folder / BEST, synthesizer, step=best.step)
        return best


def _is_voice(path: Path, step: int) -> bool:
    """Whether a file is a voice, undamaged, with the weights of this step."""
    try:
        return load_voice(path).step == step
    except InputError:
        return False
