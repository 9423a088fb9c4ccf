"""A run that begins with a voice speaks at step 0 as the voice did, and its discriminators are the voice's."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch

from configs import InputError
from tests.embedded import make_embedded_corpus
from tests.short_runs import HOUSE, SMALLER, command, lines, tiny, trained
from train import Trainer, resume, start
from training.interruption import StopRequest
from voices.checkpoint import load_checkpoint, save_checkpoint
from voices.importing.report import Fate
from voices.importing.sources import load_voice_from
from voices.importing.warm_start import WarmStart
from voices.voice_file import load_voice, save_voice


@pytest.fixture(scope="module")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 clips of the embedded corpus."""
    return make_embedded_corpus(tmp_path_factory.mktemp("corpora") / "embedded", clips=12)


@pytest.fixture(scope="module")
def finished(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """A run of three steps."""
    return trained(tiny(corpus_folder, tmp_path_factory.mktemp("runs") / "finished", "train.steps=3"))


def begun(corpus_folder: Path, run: Path, voice: Path, *overrides: str, parts: tuple[str, ...] = ()) -> Trainer:
    warm = WarmStart(load_voice_from(voice, to_train=True), parts)
    return start(tiny(corpus_folder, run, "train.steps=1", "run.seed=99", *overrides), None, warm)


def test_a_run_begun_with_a_run_speaks_at_once_as_that_one_at_its_end(
    corpus_folder: Path, finished: Trainer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer = begun(corpus_folder, tmp_path / "run", finished.run_folder.path)
    expected = finished.validation.losses(finished.ema)
    trainer.validation.config = finished.config  # the noise is that of run.seed
    assert trainer.validation.losses(trainer.ema) == pytest.approx(expected, rel=1e-4)
    plain = start(tiny(corpus_folder, tmp_path / "plain", "run.seed=99"))
    plain.validation.config = finished.config
    assert plain.validation.losses(plain.ema)["mel"] != pytest.approx(expected["mel"], rel=1e-2)
    for here, there in zip(
        trainer.discriminator.state_dict().values(), finished.discriminator.state_dict().values(), strict=True
    ):
        assert torch.equal(here, there)
    assert not trainer.synthesizer_optimizer.state
    told = capsys.readouterr().out
    assert "warm start from" in told
    assert "discriminators were found and taken: scale_1, period_2; new: none" in told
    trainer.train(StopRequest())
    assert [line["step"] for line in lines(tmp_path / "run") if "loss/generator/mel" in line] == [1]


def test_a_voice_file_has_no_posterior_encoder_and_no_discriminators_and_a_checkpoint_has_both(
    finished: Trainer,
) -> None:
    voice = load_voice_from(finished.run_folder.path, to_train=False)
    checkpoint = load_voice_from(finished.run_folder.path / "checkpoints" / "00000003.pt", to_train=True)
    assert not hasattr(voice.voice.synthesizer, "posterior_encoder")
    assert hasattr(checkpoint.voice.synthesizer, "posterior_encoder")
    assert voice.discriminators is None
    assert checkpoint.discriminators is not None
    spoken, kept = voice.voice.synthesizer.state_dict(), checkpoint.voice.synthesizer.state_dict()
    assert all(torch.equal(weight, kept[name]) for name, weight in spoken.items())
    assert (voice.voice.symbols, voice.voice.config, voice.voice.step) == (
        checkpoint.voice.symbols,
        checkpoint.voice.config,
        3,
    )
    assert voice.report.count(Fate.COPIED) == len(spoken)


def test_the_lexicon_of_a_run_comes_with_its_checkpoint(finished: Trainer, tmp_path: Path) -> None:
    shutil.copytree(finished.run_folder.path, tmp_path / "run")
    voice = load_voice_from(finished.run_folder.path).voice
    save_voice(
        tmp_path / "run" / "voice.safetensors",
        voice.synthesizer,
        voice.config,
        symbols=voice.symbols,
        speakers=voice.speakers,
        step=voice.step,
        lexicon='{"x": "y"}',
    )
    assert load_voice_from(tmp_path / "run", to_train=True).voice.lexicon == '{"x": "y"}'


def test_an_imported_voice_of_other_symbols_begins_a_run(
    corpus_folder: Path, finished: Trainer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    voice = load_voice_from(finished.run_folder.path, to_train=True).voice
    symbols: dict[str, int] = json.loads(voice.symbols)
    renamed = {"ẞ" if symbol == "a" else symbol: index for symbol, index in symbols.items()}
    save_voice(
        tmp_path / "voice.safetensors",
        voice.synthesizer,
        voice.config,
        symbols=json.dumps(renamed),
        speakers=(),
        step=3,
        whole=True,
    )
    trainer = begun(corpus_folder, tmp_path / "run", tmp_path / "voice.safetensors")
    told = capsys.readouterr().out
    assert f"{len(symbols) - 1} of {len(symbols)} rows taken by name; new: a" in told
    assert "the discriminators are new (none were found)" in told
    kept = voice.synthesizer.text_encoder.embedding.weight
    for network in (trainer.synthesizer, trainer.ema):
        rows = network.text_encoder.embedding.weight
        same = {symbol for symbol, index in symbols.items() if torch.equal(rows[index], kept[index])}
        assert same == symbols.keys() - {"a"}


def test_a_voice_says_what_it_was_made_from_also_after_a_resumption(
    corpus_folder: Path, finished: Trainer, tmp_path: Path
) -> None:
    voice = load_voice(finished.run_folder.path / "voice.safetensors")
    assert voice.origin is None
    published = tmp_path / "published.safetensors"
    save_voice(
        published, voice.synthesizer, voice.config, symbols=voice.symbols, speakers=(), step=3, origin="License: CC0"
    )
    digest = hashlib.sha256(published.read_bytes()).hexdigest()
    origin = f"made from published.safetensors (SHA-256 {digest}), which says of itself:\n\nLicense: CC0"
    run = tmp_path / "run"
    begun(corpus_folder, run, published).train(StopRequest())
    assert load_voice(run / "voice.safetensors").origin == origin
    assert load_voice_from(run, to_train=True).voice.origin == origin  # of its checkpoint
    resumed = resume(run, ["train.steps=2"])
    resumed.train(StopRequest())
    again = load_voice(run / "voice.safetensors")
    assert (again.step, again.origin) == (2, origin)


def test_the_command_begins_with_a_voice_and_refuses_what_it_cannot_do(
    corpus_folder: Path,
    finished: Trainer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = [HOUSE / "configs" / "tiny.toml", f"data.root={corpus_folder}", f"run.dir={tmp_path / 'run'}"]
    settings += [f"data.cache={corpus_folder.parent / 'cache'}", "data.validation_clips=2", "train.steps=1"]
    settings += ["train.spoken_sentences=0", *SMALLER]
    for arguments, told in (
        (["--warm-start", tmp_path / "none"], "there is no such file or folder"),
        (
            ["--warm-start", finished.run_folder.path, "--parts", "ears"],
            "--parts ears: there is no such part of a voice",
        ),
        (["--parts", "decoder"], "give the voice with --warm-start VOICE"),
        (["--warm-start", finished.run_folder.path, "--resume", finished.run_folder.path], "give one of the two"),
    ):
        assert command(monkeypatch, *settings, *arguments) == 2
        errors = capsys.readouterr().err
        assert told in errors
        assert errors.count("\n") == 1
    assert not (tmp_path / "run").exists()
    assert command(monkeypatch, *settings, "--warm-start", finished.run_folder.path, "--parts", "decoder,flow") == 0
    assert "finished at step 1" in capsys.readouterr().out


def test_a_checkpoint_of_another_version_is_refused(tmp_path: Path, finished: Trainer) -> None:
    state = load_checkpoint(finished.run_folder.path / "checkpoints" / "00000003.pt")
    del state["average"]["decoder.output.weight"]
    save_checkpoint(tmp_path / "00000003.pt", state)
    with pytest.raises(InputError, match="does not hold training state of this version of the program"):
        load_voice_from(tmp_path / "00000003.pt")
