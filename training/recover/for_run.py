"""Recover what the voice that a run begins with lacks, once: a run that is begun again finds it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from configs import Config, DecoderSettings, InputError
from data.corpus import Corpus
from training.ranks import Ranks
from training.recover.command_line import MINUTES
from training.recover.of_voice import in_symbols_of, with_recovered_parts
from voices.importing.assembly import Imported
from voices.importing.sources import load_voice_from
from voices.importing.warm_start import WarmStart

FILE = "recovered.safetensors"


def recovered(warm: WarmStart, corpus: Corpus, config: Config, ranks: Ranks) -> WarmStart:
    """The warm start with what it lacks for this run, from the run folder or recovered and written there.

    It may lack a posterior encoder, and the decoder of the settings. The voice speaks the texts of the training set. Of
    several ranks the first one recovers, and the others read.

    Raises:
        InputError: it can say none of them, or the folder cannot be written.
    """
    decoder = warm.other_decoder(config)
    if decoder is None and not warm.lacks_posterior_encoder:
        return warm
    path = Path(config.run.dir) / FILE
    if ranks.is_first:
        if _kept(path, warm.imported, decoder) is None:
            # The others wait, and give up where they hear nothing for half an hour.
            _write(path, warm.imported, corpus, decoder, config.run.recovery_steps, lambda: ranks.any(False))
        ranks.any(True)
    else:
        while not ranks.any(False):
            pass
    kept = _kept(path, warm.imported, decoder)
    if kept is None:
        raise InputError(
            f"{path}: is not the voice that the first process has written there just now: run.dir must be the same "
            "folder for all processes, and no other run may begin in it"
        )
    report = warm.imported.report
    parts = [] if not warm.lacks_posterior_encoder else ["posterior encoder"]
    parts += [] if decoder is None else [f"decoder ({decoder.kind})"]
    names = " and ".join(parts)
    if ranks.is_first:
        print(f"{path}: has the {names} that it learned from the voice's own speech")
    return replace(warm, imported=replace(kept, report=report.with_notes([f"its {names}: those of {path}"])))


def _write(
    path: Path,
    imported: Imported,
    corpus: Corpus,
    decoder: DecoderSettings | None,
    most_steps: int,
    progress: Callable[[], object],
) -> None:
    clips = corpus.train or corpus.validation  # the texts of shards are on disk
    texts = list(in_symbols_of(imported.voice, corpus.symbols, (clip.phoneme_ids.tolist() for clip in clips)))
    with_recovered_parts(
        imported, texts, decoder=decoder, minutes=MINUTES, most_steps=most_steps, progress=progress
    ).voice.save(path)


def _kept(path: Path, of: Imported, decoder: DecoderSettings | None) -> Imported | None:
    """What was recovered for this voice and this decoder before, if it was."""
    if not path.exists():
        return None
    kept = load_voice_from(path)
    weights: Mapping[str, Tensor] = kept.voice.synthesizer.state_dict()
    same = kept.voice.config.decoder == (decoder or of.voice.config.decoder) and all(
        name in weights and torch.equal(weight, weights[name])
        for name, weight in of.voice.synthesizer.state_dict().items()
        if decoder is None or not name.startswith("decoder.")
    )
    return kept if same else None
