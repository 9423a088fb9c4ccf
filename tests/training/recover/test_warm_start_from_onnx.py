"""From an .onnx to a run: the architecture is the voice's, its posterior encoder is recovered, once."""

from pathlib import Path
from typing import ClassVar

import pytest
import torch

from configs import Config, InputError, load_config, parse_config
from data.opening import open_corpus
from tests.clients.exported_voice import Exports
from train import resume, start
from training.interruption import StopRequest
from training.ranks import Ranks
from training.recover import for_run, learning
from training.recover.__main__ import main as recover_command
from training.recover.of_voice import with_recovered_parts
from voices.importing.sources import load_voice_from
from voices.importing.warm_start import WarmStart
from voices.voice_file import load_voice

OUTPUT = "decoder.output.weight"


@pytest.fixture(scope="module")
def graph(exports: Exports) -> Path:
    """An exported voice of another width and with another decoder than the defaults."""
    return exports("hifigan").onnx


def settings(corpus_folder: Path, run: Path, *overrides: str) -> Config:
    own = [f"data.root={corpus_folder}", f"data.cache={corpus_folder.parent / 'cache'}", f"run.dir={run}"]
    own += ["run.device=cpu", "run.architecture=voice", "train.batch_size=2"]
    own += ["discriminator.channel_divisor=16", "discriminator.periods=[2]"]
    return load_config(None, [*own, *overrides])


def test_a_run_has_the_architecture_of_the_voice_and_its_own_settings(graph: Path, tmp_path: Path) -> None:
    warm = WarmStart.asked(graph, None)
    there = warm.imported.voice.config
    config = warm.with_architecture(
        settings(tmp_path, tmp_path, "model.text_dropout=0.3", "discriminator.channel_divisor=8")
    )
    assert config.decoder == there.decoder
    assert config.audio == there.audio
    assert config.model == there.model.model_copy(update={"text_dropout": 0.3})
    assert (config.discriminator.channel_divisor, config.run.architecture) == (8, "settings")
    tree = config.model_dump(by_alias=True, exclude_none=True)
    assert parse_config(tree, source="a resumed run") == config


def test_another_decoder_than_that_of_the_voice_is_kept(graph: Path, tmp_path: Path) -> None:
    warm = WarmStart.asked(graph, None)
    config = warm.with_architecture(settings(tmp_path, tmp_path, "decoder.kind=vocos", "decoder.channels=64"))
    assert (config.decoder.kind, config.model) == ("vocos", warm.imported.voice.config.model)


def test_the_architecture_of_a_voice_needs_a_voice(corpus_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run\.architecture = 'voice' needs a voice: give it with --warm-start VOICE"):
        start(settings(corpus_folder, tmp_path / "run"))


def test_a_run_begins_with_a_posterior_encoder_that_is_recovered_once(
    graph: Path, corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(for_run, "MINUTES", 0.6)
    calls = []

    def counted(*given: object, **named: object) -> object:
        calls.append(named["most_steps"])
        return with_recovered_parts(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(for_run, "with_recovered_parts", counted)
    asked = settings(corpus_folder, tmp_path / "run", "run.recovery_steps=2")
    trainers = [start(asked, warm=WarmStart.asked(graph, None)) for _ in range(2)]
    assert calls == [2]
    recovered = load_voice(tmp_path / "run" / for_run.FILE).synthesizer.state_dict()
    for trainer in trainers:
        weights = trainer.synthesizer.folded_state_dict()
        for name, weight in recovered.items():
            if name != "text_encoder.embedding.weight":
                torch.testing.assert_close(weights[name], weight, rtol=1e-6, atol=1e-6, msg=name)


def test_a_decoder_of_other_settings_than_the_voices_learns_from_its_speech(
    graph: Path, corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(for_run, "MINUTES", 0.6)
    small = ["decoder.kind=harmonic_noise", "decoder.channels=32", "decoder.expansion_channels=64", "decoder.layers=1"]
    run = tmp_path / "run"
    trainer = start(settings(corpus_folder, run, "run.recovery_steps=2", *small), warm=WarmStart.asked(graph, None))
    recovered = load_voice(run / for_run.FILE)
    assert recovered.config.decoder == trainer.config.decoder
    exported = load_voice_from(graph).voice.synthesizer.state_dict()
    learned = recovered.synthesizer.state_dict()
    for name, weight in trainer.synthesizer.folded_state_dict().items():
        if name != "text_encoder.embedding.weight":
            of_voice = exported[name] if not name.startswith(("decoder.", "posterior_encoder.")) else learned[name]
            torch.testing.assert_close(weight, of_voice, rtol=1e-6, atol=1e-6, msg=name)
    # Of other settings again, it learns again.
    wider = settings(corpus_folder, run, "run.recovery_steps=2", *small[:-1], "decoder.layers=2")
    start(wider, warm=WarmStart.asked(graph, None))
    assert load_voice(run / for_run.FILE).config.decoder == wider.decoder


def test_the_command_that_began_a_run_goes_on_with_it(graph: Path, corpus_folder: Path, tmp_path: Path) -> None:
    """As torchrun gives it to the processes that it starts anew, and --or-resume."""
    run = tmp_path / "run"
    asked = settings(corpus_folder, run, "train.steps=1", "train.spoken_sentences=0", "model.text_dropout=0.3")
    begun = start(asked, warm=WarmStart.asked(graph, None))
    begun.train(StopRequest())
    again = resume(run, (), settings=asked)
    assert (again.step, again.config) == (1, begun.config)
    narrower = settings(corpus_folder, run, "model.hidden_channels=32")
    with pytest.raises(InputError, match=r"was trained with other settings \(.*model\.hidden_channels: "):
        resume(run, (), settings=narrower)


class Talking(Ranks):
    """One of two processes, the other of which says what the tests want; `said` is what this one said."""

    said: ClassVar[list[bool]] = []

    def any(self, flag: bool) -> bool:
        self.said.append(flag)
        return flag or (self.rank == 1 and len(self.said) == 4)


def test_other_processes_hear_of_the_first_one_while_it_recovers_and_read_what_it_wrote(
    graph: Path, corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(for_run, "MINUTES", 0.6)
    warm = WarmStart.asked(graph, None)
    config = warm.with_architecture(settings(corpus_folder, tmp_path / "run", "run.recovery_steps=1"))
    corpus = open_corpus(config.data, config.audio, verbose=False)
    monkeypatch.setattr(Talking, "said", [])
    first = for_run.recovered(warm, corpus, config, Talking(0, 2))
    assert Talking.said == [False] * (len(Talking.said) - 1) + [True]
    assert len(Talking.said) > learning.BATCH  # once for each utterance
    Talking.said.clear()
    other = for_run.recovered(warm, corpus, config, Talking(1, 2))
    assert Talking.said == [False] * 4
    weights = other.imported.voice.synthesizer.state_dict()
    for name, weight in first.imported.voice.synthesizer.state_dict().items():
        assert torch.equal(weight, weights[name])
    (tmp_path / "run" / for_run.FILE).unlink()
    Talking.said.clear()
    with pytest.raises(InputError, match="must be the same folder for all processes"):
        for_run.recovered(warm, corpus, config, Talking(1, 2))


def test_a_voice_that_changed_is_recovered_again(
    graph: Path, corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(for_run, "MINUTES", 0.6)
    asked = settings(corpus_folder, tmp_path / "run", "run.recovery_steps=1")
    start(asked, warm=WarmStart.asked(graph, None))
    first = load_voice(tmp_path / "run" / for_run.FILE)
    warm = WarmStart.asked(graph, None)
    with torch.no_grad():
        warm.imported.voice.synthesizer.state_dict()[OUTPUT].mul_(1.5)
    start(asked, warm=warm)
    again = load_voice(tmp_path / "run" / for_run.FILE)
    then, now = (voice.synthesizer.state_dict()[OUTPUT] for voice in (first, again))
    torch.testing.assert_close(now, 1.5 * then)


def test_the_command_writes_a_voice_with_its_posterior_encoder_and_refuses_one_that_has_it(
    graph: Path,
    corpus_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "voice.safetensors"

    def command(voice: Path, texts: Path, *more: str) -> int:
        options = [str(voice), "--texts", str(texts), "--minutes", "0.6", "--steps", "1", "-o", str(output), *more]
        monkeypatch.setattr("sys.argv", ["recover", *options])
        return recover_command()

    assert command(graph, corpus_folder / "metadata.csv") == 0
    weights = load_voice(output).synthesizer.state_dict()
    exported = load_voice_from(graph).voice.synthesizer.state_dict()
    assert all(torch.equal(weights[name], weight) for name, weight in exported.items())
    assert {name.partition(".")[0] for name in weights.keys() - exported.keys()} == {"posterior_encoder"}
    capsys.readouterr()
    assert command(output, corpus_folder / "metadata.csv") == 2
    assert f"{output}: has a posterior encoder: begin a run with it as it is" in capsys.readouterr().err
    other = Path("configs/finetune.toml")
    assert command(output, corpus_folder / "metadata.csv", "--decoder", str(other)) == 0
    assert load_voice(output).config.decoder == load_config(other).decoder
    assert command(graph, tmp_path / "none.csv") == 2
    assert f"{tmp_path / 'none.csv'}: cannot be read: No such file" in capsys.readouterr().err
