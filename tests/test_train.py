"""The Trainer: what a step does to whom, and that a run which stops and resumes is the run that never stopped."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file
from torch.utils._python_dispatch import TorchDispatchMode

from configs import Config, InputError, load_config
from data.corpus import Corpus, load_corpus
from data.preparation import prepare
from infer import Voice
from monitoring.best import Best
from tests.embedded import make_embedded_corpus
from train import Trainer, frozen, main, resume, start
from training.interruption import StopRequest
from training.validation import ValidationResult
from voices.checkpoint import list_checkpoints, load_checkpoint

HOUSE = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """22 clips of the embedded corpus."""
    root = make_embedded_corpus(tmp_path_factory.mktemp("corpora") / "embedded")
    rows = (root / "metadata.csv").read_text().splitlines()[:22]
    (root / "metadata.csv").write_text("\n".join(rows) + "\n")
    return root


def tiny(corpus_folder: Path, run: Path, *overrides: str) -> Config:
    """The tiny experiment on the embedded clips, reporting every step."""
    own = [f"data.root={corpus_folder}", f"data.cache={corpus_folder.parent / 'cache'}", f"run.dir={run}"]
    own += ["data.validation_clips=2", "train.report_every=1"]
    rare = ["train.validate_every=1000", "train.checkpoint_every=1000", "train.spoken_sentences=1"]
    return load_config(HOUSE / "configs" / "tiny.toml", [*own, *rare, *overrides])


def trained(config: Config) -> Trainer:
    """A new run, trained to its end."""
    trainer = start(config)
    trainer.train(StopRequest())
    return trainer


def lines(run: Path) -> list[dict[str, Any]]:
    """metrics.jsonl without what depends on the clock."""
    read = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [
        {key: value for key, value in line.items() if "seconds" not in key and not key.startswith("time/")}
        for line in read
    ]


def same(first: Any, second: Any) -> bool:
    """Whether two states are equal to the bit."""
    if isinstance(first, torch.Tensor):
        return first.dtype == second.dtype and torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(same(a, b) for a, b in zip(first, second, strict=True))
    return bool(first == second)


def test_seven_steps_and_five_more_are_twelve_steps_to_the_bit(corpus_folder: Path, tmp_path: Path) -> None:
    # 20 clips in batches of 4 are 5 steps an epoch: both the stop at 7 and the end at 12 lie inside an epoch.
    whole = trained(tiny(corpus_folder, tmp_path / "whole", "train.steps=12"))
    trained(tiny(corpus_folder, tmp_path / "parts", "train.steps=7"))
    torch.manual_seed(987)  # whatever happens in between
    rest = resume(tmp_path / "parts", ["train.steps=12"])
    assert rest.step == 7
    rest.train(StopRequest())

    ends = [load_checkpoint(tmp_path / run / "checkpoints" / "00000012.pt") for run in ("whole", "parts")]
    for state in ends:
        state.pop("seconds")
        state["config"]["run"].pop("dir")
    # Both runs validate at their end; only the run in parts did so at step 7 as well, which must change nothing.
    assert {key for key in ends[0] if not same(ends[0][key], ends[1][key])} <= {"best"}
    losses = [[line for line in lines(tmp_path / run) if "loss/generator/mel" in line] for run in ("whole", "parts")]
    assert [line["step"] for line in losses[0]] == list(range(1, 13))
    assert losses[0] == losses[1]
    assert whole.step == rest.step == 12


def test_a_run_stopped_between_reports_reports_the_same_means(corpus_folder: Path, tmp_path: Path) -> None:
    every_four = ("train.report_every=4", "train.steps=8")
    trained(tiny(corpus_folder, tmp_path / "whole", *every_four))
    stopped = start(tiny(corpus_folder, tmp_path / "parts", *every_four))
    batches = stopped.batches()
    stop = StopRequest()

    def stop_in_the_sixth(trainer: Trainer = stopped) -> Any:
        for batch in batches:
            stop.signal_number = signal.SIGINT if trainer.step == 5 else None
            yield batch

    stopped.batches = stop_in_the_sixth  # type: ignore[method-assign]
    stopped.train(stop)
    assert stopped.step == 6
    resume(tmp_path / "parts", []).train(StopRequest())
    reports = [[line for line in lines(tmp_path / run) if "loss/generator/mel" in line] for run in ("whole", "parts")]
    assert [line["step"] for line in reports[0]] == [4, 8]
    assert reports[0] == reports[1]


def test_what_a_killed_run_wrote_after_its_checkpoint_is_written_once(corpus_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    trained(tiny(corpus_folder, run, "train.steps=3"))
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "seconds": 1, "loss/generator/mel": 9.0}\n{"step": 5, "sec')
    resume(run, ["train.steps=5"]).train(StopRequest())
    steps = [line["step"] for line in lines(run) if "loss/generator/mel" in line]
    assert steps == [1, 2, 3, 4, 5]
    assert 9.0 not in [line.get("loss/generator/mel") for line in lines(run)]


def test_the_generators_update_leaves_the_discriminator_alone(corpus_folder: Path, tmp_path: Path) -> None:
    trainer = start(tiny(corpus_folder, tmp_path / "run"))
    updates: list[tuple[str, dict[str, torch.Tensor], list[bool]]] = []

    def watched(name: str, update: Callable[[], torch.Tensor], other: torch.nn.Module) -> Callable[[], torch.Tensor]:
        def updated() -> torch.Tensor:
            norm = update()
            state = {key: weight.detach().clone() for key, weight in trainer.discriminator.state_dict().items()}
            updates.append((name, state, [weight.grad is not None for weight in other.parameters()]))
            # So that whatever appears later comes from the generator's loss.
            trainer.discriminator_optimizer.zero_grad(set_to_none=True)
            return norm

        return updated

    trainer.update_discriminator = watched(  # type: ignore[method-assign]
        "discriminator", trainer.update_discriminator, trainer.synthesizer
    )
    trainer.update_generator = watched(  # type: ignore[method-assign]
        "generator", trainer.update_generator, trainer.discriminator
    )
    trainer.run_step(next(trainer.batches()))
    assert [name for name, _, _ in updates] == ["discriminator", "generator"]
    assert not any(updates[0][2]), "the discriminator's loss left gradients in the synthesizer"
    assert not any(updates[1][2]), "the generator's loss left gradients in the discriminator"
    assert same(updates[0][1], updates[1][1])
    assert all(weight.requires_grad for weight in trainer.discriminator.parameters())


class Waits(TorchDispatchMode):
    """Counts the operations for which a program waits until the device has come to them."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: list[str] = []

    def __torch_dispatch__(self, operation: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        name = str(operation)
        if name.startswith(
            ("aten._local_scalar_dense", "aten.nonzero", "aten.masked_select", "aten.unique", "aten.item")
        ):
            self.seen.append(name)
        return operation(*arguments, **(options or {}))


def test_a_step_waits_for_nothing(corpus_folder: Path, tmp_path: Path) -> None:
    trainer = start(tiny(corpus_folder, tmp_path / "run"))
    batch = next(trainer.batches())
    with Waits() as counted:
        report = trainer.run_step(batch)
    assert counted.seen == []
    with counted:
        float(report.losses["loss/generator/total"])
    assert counted.seen == ["aten._local_scalar_dense.default"]


def test_frozen_lets_gradients_through_and_thaws_after_an_error() -> None:
    layer, x = torch.nn.Linear(3, 1), torch.ones(2, 3, requires_grad=True)
    with frozen(layer):
        layer(x).sum().backward()
    assert layer.weight.grad is None
    assert x.grad is not None
    with pytest.raises(RuntimeError, match="boom"), frozen(layer):
        raise RuntimeError("boom")
    assert layer.weight.requires_grad


@pytest.mark.parametrize("limit", [1e-3, math.inf])
def test_gradients_are_clipped_to_the_limit_and_the_norm_before_is_reported(
    corpus_folder: Path, tmp_path: Path, limit: float
) -> None:
    trainer = start(tiny(corpus_folder, tmp_path / "run", f"train.max_gradient_norm={limit}"))
    report = trainer.run_step(next(trainer.batches()))
    for network, norm in (
        (trainer.discriminator, report.gradient_norms["discriminator"]),
        (trainer.synthesizer, report.gradient_norms["generator"]),
    ):
        left = math.sqrt(
            sum(
                float(weight.grad.double().square().sum()) for weight in network.parameters() if weight.grad is not None
            )
        )
        assert float(norm) > 1e-2
        assert left == pytest.approx(min(limit, float(norm)), rel=1e-3)


@pytest.mark.parametrize("precision", ["bf16", "fp16", "fp32"])
def test_every_precision_trains_with_finite_losses_and_full_precision_weights(
    corpus_folder: Path, tmp_path: Path, precision: str
) -> None:
    trainer = trained(tiny(corpus_folder, tmp_path / "run", f"train.precision={precision}", "train.steps=3"))
    assert trainer.scaler.is_enabled() == (precision == "fp16")
    reports = [line for line in lines(tmp_path / "run") if "loss/generator/mel" in line]
    assert len(reports) == 3
    assert all(math.isfinite(value) for line in reports for key, value in line.items() if key.startswith("loss/"))
    assert {weight.dtype for weight in trainer.synthesizer.parameters()} == {torch.float32}


def test_training_on_clips_shorter_than_a_segment_hears_no_padding(corpus_folder: Path, tmp_path: Path) -> None:
    # 32 768 samples are 1.5 s: most of the embedded clips are shorter or not much longer.
    config = tiny(corpus_folder, tmp_path / "run", "train.segment_samples=32768", "data.bucket_frames=[200, 400]")
    trainer = start(config)
    short = min(trainer.corpus.train, key=lambda clip: len(clip.audio))
    assert len(short.audio) < 32768
    batch = trainer.batch([short])
    spectrogram = trainer.features.spectrogram(batch)
    spoken = trainer.synthesizer(
        batch.phoneme_ids, batch.phoneme_lengths, spectrogram, trainer.features.frame_lengths(batch)
    )
    segments = trainer.features.segments(batch, spectrogram, spoken)
    end = len(short.audio) // 256 * 256
    assert segments.generated[..., :end].abs().max() > 0
    assert segments.generated[..., end:].abs().max() == 0
    assert segments.real[..., end:].abs().max() == 0
    assert int(segments.frame_mask.sum()) == end // 256
    assert math.isfinite(float(trainer.run_step(batch).losses["loss/generator/total"]))


def test_a_batch_that_breaks_the_losses_is_skipped(corpus_folder: Path, tmp_path: Path) -> None:
    settings = ("train.steps=5", "train.checkpoint_every=5", "train.report_every=5", "train.precision=fp32")
    trainer = start(tiny(corpus_folder, tmp_path / "run", *settings))
    batches, seen = trainer.batches(), []

    def poisoned() -> Any:
        for batch in batches:
            if trainer.step in (3, 4):
                seen.append([weight.detach().clone() for weight in trainer.synthesizer.parameters()])
            if trainer.step == 3:
                batch.audio[:] = math.nan
            yield batch

    trainer.batches = poisoned  # type: ignore[method-assign]
    trainer.train(StopRequest())
    before, after = seen
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    state = load_checkpoint(list_checkpoints(tmp_path / "run" / "checkpoints")[-1])
    assert all(bool(weight.isfinite().all()) for weight in state["synthesizer"].values())
    counts = {float(one["step"]) for one in state["synthesizer_optimizer"]["state"].values()}
    assert counts == {4.0}
    report = next(line for line in lines(tmp_path / "run") if "loss/generator/mel" in line)
    assert report["skipped_updates/generator"] == report["skipped_updates/discriminator"] == pytest.approx(1 / 5)
    assert math.isfinite(report["loss/generator/mel"])


def test_fp16_looks_for_its_scale_and_no_broken_weight_reaches_the_disk(corpus_folder: Path, tmp_path: Path) -> None:
    trainer = start(tiny(corpus_folder, tmp_path / "run", "train.steps=3", "train.precision=fp16"))
    broken = trainer.synthesizer.get_parameter("decoder.output.weight")
    broken.register_hook(lambda gradient: gradient * (math.inf if trainer.step == 2 else 1.0))
    trainer.train(StopRequest())
    state = load_checkpoint(list_checkpoints(tmp_path / "run" / "checkpoints")[-1])
    assert state["step"] == 3
    assert all(bool(weight.isfinite().all()) for weight in state["synthesizer"].values())
    assert state["scaler"]["scale"] < 65536


def test_a_run_whose_gradients_are_never_numbers_stops(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.updates._MOST_SKIPPED_IN_A_ROW", 3)
    run = tmp_path / "run"
    trainer = start(tiny(corpus_folder, run, "train.steps=9", "train.checkpoint_every=2", "train.report_every=1"))
    broken = trainer.synthesizer.get_parameter("decoder.output.weight")
    broken.register_hook(lambda gradient: gradient * (math.inf if trainer.step >= 2 else 1.0))
    with pytest.raises(InputError, match=r"diverged before step 5.*gradients of the generator .*00000004\.pt"):
        trainer.train(StopRequest())
    state = load_checkpoint(list_checkpoints(run / "checkpoints")[-1])
    assert all(bool(weight.isfinite().all()) for weight in state["synthesizer"].values())


def test_a_second_process_in_the_same_folder_is_refused(corpus_folder: Path, tmp_path: Path) -> None:
    first, second = (start(tiny(corpus_folder, tmp_path / "run", "train.steps=2")) for _ in range(2))
    batches = first.batches()

    def and_another() -> Any:
        for batch in batches:
            before = (tmp_path / "run" / "metrics.jsonl").read_text()
            with pytest.raises(InputError, match=r"another process is training here"):
                second.train(StopRequest())
            assert (tmp_path / "run" / "metrics.jsonl").read_text() == before
            yield batch

    first.batches = and_another  # type: ignore[method-assign]
    first.train(StopRequest())
    assert first.step == 2


def test_a_refused_resume_leaves_the_settings_as_they_were(corpus_folder: Path, tmp_path: Path) -> None:
    trained(tiny(corpus_folder, tmp_path / "run", "train.steps=1"))
    before = (tmp_path / "run" / "config.toml").read_text()
    with pytest.raises(InputError, match=r"the device 'warp' cannot be used"):
        resume(tmp_path / "run", ["run.device=warp"])
    assert (tmp_path / "run" / "config.toml").read_text() == before


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


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("model.hidden_channels=64", "model.hidden_channels: 48 -> 64"),
        ("train.batch_size=3", "train.batch_size: 4 -> 3"),
        ("data.language=de", "data.language: 'en-us' -> 'de'"),
    ],
)
def test_a_checkpoint_of_other_settings_is_refused_with_what_differs(
    corpus_folder: Path, tmp_path: Path, override: str, told: str
) -> None:
    trained(tiny(corpus_folder, tmp_path / "run", "train.steps=1"))
    before = (tmp_path / "run" / "config.toml").read_bytes()
    with pytest.raises(InputError, match="was trained with other settings") as refusal:
        resume(tmp_path / "run", [override])
    assert told in str(refusal.value)
    assert (tmp_path / "run" / "config.toml").read_bytes() == before


def test_a_run_goes_on_with_another_learning_rate_and_says_so(
    corpus_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(tiny(corpus_folder, tmp_path / "run", "train.steps=1"))
    rest = resume(tmp_path / "run", ["train.steps=2", "train.learning_rate=1e-5", "train.precision=fp16"])
    assert "from step 1 on with train.learning_rate: 0.0002 -> 1e-05" in capsys.readouterr().out
    rest.train(StopRequest())
    assert lines(tmp_path / "run")[-2]["schedule/learning_rate"] == pytest.approx(1e-5)


def test_a_checkpoint_of_other_recordings_is_refused(corpus_folder: Path, tmp_path: Path) -> None:
    trained(tiny(corpus_folder, tmp_path / "run", "train.steps=1"))
    other = tmp_path / "corpus"
    other.mkdir()
    (other / "wavs").symlink_to(corpus_folder / "wavs")
    rows = (corpus_folder / "metadata.csv").read_text().splitlines()
    (other / "metadata.csv").write_text("\n".join(rows[1:]))
    with pytest.raises(InputError, match=r"not those that .* was trained on"):
        resume(tmp_path / "run", [f"data.root={other}"])


def test_a_folder_that_holds_a_run_is_not_trained_over(corpus_folder: Path, tmp_path: Path) -> None:
    trained(tiny(corpus_folder, tmp_path / "run", "train.steps=1"))
    with pytest.raises(InputError, match="holds a run at step 1: continue it with --resume"):
        start(tiny(corpus_folder, tmp_path / "run"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["configs/tiny.toml", "data.root=NOWHERE"], "NOWHERE: there is no such folder"),
        (["configs/absent.toml"], "absent.toml: there is no such settings file"),
        (["configs/tiny.toml", "train.batchsize=3"], "nearest one is train.batch_size"),
        (["data.root=LJSpeech-1.1"], "which experiment?"),
        ([], "which experiment?"),
        (["--resume", "EMPTY"], "no checkpoint in it to resume from"),
        (["--resume", "NOWHERE"], "there is no such run folder"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_two(
    tmp_path: Path,
    arguments: list[str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(HOUSE)
    argv = [word.replace("EMPTY", str(tmp_path)) for word in arguments]
    monkeypatch.setattr("sys.argv", ["train.py", *argv])
    assert main() == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("error: ")
    assert told in errors
    assert errors.count("\n") == 1


def test_bad_recordings_are_refused_before_anything_is_written(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (corpus_folder / "metadata.csv").read_text().splitlines()
    other = tmp_path / "corpus"
    shutil.copytree(corpus_folder / "wavs", other / "wavs")  # data.strict refuses links that lead out of the corpus
    (other / "metadata.csv").write_text("\n".join([*rows, "gone|A text.|A text.", "embedded-050||"]))
    settings = [str(HOUSE / "configs" / "tiny.toml"), f"data.root={other}", f"data.cache={tmp_path / 'cache'}"]
    settings += [f"run.dir={tmp_path / 'run'}", "data.validation_clips=2"]
    monkeypatch.setattr("sys.argv", ["train.py", *settings, "data.strict=true"])
    assert main() == 2
    output, errors = capsys.readouterr()
    for told in ("missing file", "empty text", "(line 23)", "report.html"):
        assert told in output
    assert "2 faults, and data.strict refuses them all" in errors
    assert errors.count("\n") == 1
    (other / "metadata.csv").write_text("gone|A text.|A text.")
    monkeypatch.setattr("sys.argv", ["train.py", *settings])
    assert main() == 2
    assert "none of 1 rows can be used" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_rows_that_cannot_be_used_are_told_and_left_out_and_the_run_goes_on(
    corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (corpus_folder / "metadata.csv").read_text().splitlines()
    other = tmp_path / "corpus"
    shutil.copytree(corpus_folder / "wavs", other / "wavs")
    audio, rate = soundfile.read(other / "wavs" / "embedded-001.wav")
    soundfile.write(other / "wavs" / "embedded-001.wav", np.stack((audio, audio), axis=1), 2 * rate)
    (other / "wavs" / "embedded-002.wav").write_text("not a recording")
    (other / "metadata.csv").write_text("\n".join([*rows, "gone|A text.|A text."]))
    settings = [f"data.root={other}", f"data.cache={tmp_path / 'cache'}", f"run.dir={tmp_path / 'run'}"]
    settings += ["data.validation_clips=2", "train.steps=1", "data.characters_per_second=[4, 60]"]
    monkeypatch.setattr("sys.argv", ["train.py", str(HOUSE / "configs" / "tiny.toml"), *settings])
    assert main() == 0
    output = capsys.readouterr().out
    for told in ("missing file", "garbage", "stereo", "other sample rate"):
        assert told in output
    assert load_checkpoint(tmp_path / "run" / "checkpoints" / "00000001.pt")["step"] == 1


def test_a_lexicon_is_trained_with_and_becomes_a_part_of_the_voice(corpus_folder: Path, tmp_path: Path) -> None:
    word = (corpus_folder / "metadata.csv").read_text().split("|")[1].split()[0]
    (tmp_path / "words.txt").write_text(f"{word} = [[aaa]]\n")
    config = tiny(corpus_folder, tmp_path / "run", f"data.lexicon={tmp_path / 'words.txt'}", "train.steps=1")
    assert any(clip.speech.startswith("aaa ") for clip in prepare(config.data, config.audio).clips)
    trained(config)
    (tmp_path / "words.txt").unlink()  # the voice has it
    (spoken,) = Voice.load(tmp_path / "run").front_end.sentences(word)
    assert "".join(spoken.symbols).startswith("aaa")


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_says_so_and_loses_no_step(corpus_folder: Path, tmp_path: Path, number: signal.Signals) -> None:
    run = tmp_path / "run"
    settings = ["configs/tiny.toml", f"data.root={corpus_folder}", f"run.dir={run}", "data.validation_clips=2"]
    settings.append(f"data.cache={tmp_path / 'cache'}")
    process = subprocess.Popen(
        [sys.executable, "train.py", *settings, "train.report_every=1", "train.spoken_sentences=0"],
        cwd=HOUSE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 600
    while "loss/generator/mel" not in ((run / "metrics.jsonl").read_text() if (run / "metrics.jsonl").exists() else ""):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    output, errors = process.communicate(timeout=600)
    assert process.returncode == 128 + number, errors
    assert "stopping after this step, to save it" in errors
    assert "stopped and saved at step" in output
    assert f"python train.py --resume {run}" in output
    last = max(line["step"] for line in lines(run))
    assert [int(path.stem) for path in list_checkpoints(run / "checkpoints")] == [last]


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
