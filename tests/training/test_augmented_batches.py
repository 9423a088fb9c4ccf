"""Batches of a run whose clips are augmented."""

from pathlib import Path

import torch

from configs import load_config
from tests.faults.tiny_runs import tiny_corpus
from train import start
from training import memory_check


def test_a_run_goes_on_with_the_clips_it_would_have_heard_and_validates_those_that_were_recorded(
    tmp_path: Path,
) -> None:
    file, *own = tiny_corpus(tmp_path)
    own += [f"run.dir={tmp_path / 'run'}", "data.augment_level_db=3.0", "data.augment_speed=0.04"]
    trainer = start(load_config(file, own))
    whole = [batch for batch, _ in zip(trainer.batches(), range(10), strict=False)]  # two epochs of five steps
    trainer.step = 3
    for batch, expected in zip(trainer.batches(), whole[3:], strict=False):
        assert batch.ids == expected.ids
        assert torch.equal(batch.audio, expected.audio)
    lengths: dict[str, set[int]] = {}
    for batch in whole:
        for name, samples in zip(batch.ids, batch.audio_lengths.tolist(), strict=True):
            lengths.setdefault(name, set()).add(samples)
    assert {len(each) for each in lengths.values()} == {2}  # another speed in each epoch
    (longest,) = memory_check.longest_batches(trainer.config, trainer.corpus, 2)
    checked = memory_check._batch(trainer, longest)
    assert int(checked.audio_lengths.max()) >= max(map(max, lengths.values()))
    recorded = {clip.id: len(clip.audio) for clip in trainer.corpus.validation}
    assert {clip.id: len(clip.audio) for clip in trainer.validation.clips} == recorded
