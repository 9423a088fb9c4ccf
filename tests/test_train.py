"""A run of the Trainer: how long it is, what it validates and keeps, and whose voice it makes."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from data.corpus import Corpus, load_corpus
from data.preparation import prepare
from infer import Voice
from monitoring.best import Best
from tests.short_runs import tiny, trained
from train import start
from training.interruption import StopRequest
from training.validation import ValidationResult
from voices.checkpoint import list_checkpoints, load_checkpoint


def test_validation_is_the_same_twice_and_draws_nothing_from_the_training_noise(
    corpus_folder: Path, tmp_path: Path
) -> None:
    trainer = start(tiny(corpus_folder, tmp_path / "run"))
    before = torch.get_rng_state()
    first = trainer.validation.validate(trainer.ema)
    assert first.scalars == trainer.validation.validate(trainer.ema).scalars
    assert first.score == (first.scalars["mel"] + first.scalars["spoken_mel"]) / 2
    assert torch.equal(before, torch.get_rng_state())


def test_the_newest_and_the_best_checkpoint_are_kept(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    trainer = start(
        tiny(
            corpus_folder,
            run,
            "train.steps=6",
            "train.checkpoint_every=1",
            "train.validate_every=1",
            "train.keep_checkpoints=2",
        )
    )
    # At each validation the averaged weights are validated, and then the newest ones.
    scores = iter([9.0, 9.0, 5.0, 8.0, 6.0, 4.0, 6.0, 6.0, 6.0, 6.0, 4.0, 4.0, 6.0, 6.0])
    monkeypatch.setattr(trainer.validation, "validate", lambda _: ValidationResult({"score": next(scores)}, []))
    trainer.train(StopRequest())
    assert [int(path.stem) for path in list_checkpoints(run / "checkpoints")] == [2, 5, 6]
    assert trainer.best == Best(step=2, score=4.0, weights="newest")
    newest = load_checkpoint(run / "checkpoints" / "00000002.pt")["synthesizer"]
    best = load_file(run / "best.safetensors")
    assert best["text_encoder.embedding.weight"].equal(newest["text_encoder.embedding.weight"])
    assert best.keys() == load_file(run / "voice.safetensors").keys()


def test_epochs_end_a_run_too(corpus_folder: Path, tmp_path: Path) -> None:
    trainer = start(tiny(corpus_folder, tmp_path / "run", "train.epochs=2", "train.steps=1000"))
    assert trainer.total_steps == 2 * 5


def test_a_lexicon_is_trained_with_and_becomes_a_part_of_the_voice(corpus_folder: Path, tmp_path: Path) -> None:
    word = (corpus_folder / "metadata.csv").read_text().split("|")[1].split()[0]
    (tmp_path / "words.txt").write_text(f"{word} = [[aaa]]\n")
    config = tiny(corpus_folder, tmp_path / "run", f"data.lexicon={tmp_path / 'words.txt'}", "train.steps=1")
    assert any(clip.speech.startswith("aaa ") for clip in prepare(config.data, config.audio).clips)
    trained(config)
    (tmp_path / "words.txt").unlink()  # the voice has it
    (spoken,) = Voice.load(tmp_path / "run").front_end.sentences(word)
    assert "".join(spoken.symbols).startswith("aaa")


def test_corpora_of_several_speakers_make_a_voice_of_several_speakers(corpus_folder: Path, tmp_path: Path) -> None:
    rows = [line.split("|") for line in (corpus_folder / "metadata.csv").read_text().splitlines()]
    other = tmp_path / "corpus"
    other.mkdir()
    (other / "wavs").symlink_to(corpus_folder / "wavs")
    named = [f"{row[0]}|{('ann', 'bob')[index % 2]}|{row[2]}" for index, row in enumerate(rows)]
    (other / "metadata.csv").write_text("\n".join(named))
    config = tiny(other, tmp_path / "run", "train.steps=2")
    corpus: Corpus = load_corpus(prepare(config.data, config.audio))
    assert corpus.speakers == ("ann", "bob")
    trainer = trained(config)
    gradient = trainer.synthesizer.speakers.weight.grad  # type: ignore[union-attr]
    assert gradient is not None
    assert bool(gradient.abs().sum(dim=1).gt(0).all())
