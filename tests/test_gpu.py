"""The same voice on a GPU: agrees with the CPU, trains in every precision, never waits where it need not."""

import json
import math
import time
from pathlib import Path

import pytest
import torch

from configs import DECODER_KINDS, Config, load_config
from data.corpus import Corpus, load_corpus
from data.preparation import prepare
from models.alignment import search_durations
from models.synthesizer import Synthesizer
from tests.benchmarks.synthetic import synthetic_corpus
from train import Trainer, resume, start
from training.interruption import StopRequest

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]

HOUSE = Path(__file__).resolve().parents[1]
LJSPEECH = HOUSE.parent / "shared" / "data" / "ljspeech_dev"


def on_real_speech(experiment: str, run: Path, *overrides: str) -> Config:
    """An experiment on real recordings."""
    if not LJSPEECH.exists():
        pytest.skip(f"real speech is not present: {LJSPEECH}")
    own = [
        f"data.root={LJSPEECH}",
        f"data.cache={run.parent / 'cache'}",
        f"run.dir={run}",
        "run.device=cuda",
        "data.validation_clips=16",
    ]
    return load_config(HOUSE / "configs" / f"{experiment}.toml", [*own, *overrides])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """335 clips of LJSpeech, read once."""
    config = on_real_speech("ljspeech", tmp_path_factory.mktemp("unused"))
    return load_corpus(prepare(config.data, config.audio))


def random_trainer(folder: Path, *overrides: str) -> Trainer:
    """A trainer on random recordings, eight of them in two batches."""
    settings = (f"run.dir={folder / 'run'}", "run.device=cuda", "train.batch_size=4", "train.precision=fp32")
    config = load_config(HOUSE / "configs" / "small.toml", [*settings, *overrides])
    return Trainer(config, synthetic_corpus(config, batches=2, mean_frames=300, speakers=1))


def test_a_gpu_says_what_a_cpu_says() -> None:
    config = load_config(HOUSE / "configs" / "small.toml")
    torch.manual_seed(1)
    synthesizer = Synthesizer(config, num_symbols=178).eval()
    for weight in synthesizer.duration_predictor.parameters():
        torch.nn.init.normal_(weight, std=0.05)  # untrained, it predicts exp(0) = 1, which one bit rounds up to 2
    torch.backends.cudnn.allow_tf32 = False
    phoneme_ids, lengths = torch.randint(0, 178, (3, 40)), torch.tensor([40, 25, 9])
    spectrogram, frames = torch.rand(3, 513, 120), torch.tensor([120, 80, 40])
    results = []
    for device in ("cpu", "cuda"):
        synthesizer.to(device)
        inputs = [tensor.to(device) for tensor in (phoneme_ids, lengths)]
        spoken = synthesizer.speak(*inputs, noise_scale=0, duration_noise_scale=0)
        again = synthesizer.reconstruct(spectrogram.to(device), frames.to(device))
        results.append([tensor.cpu() for tensor in (spoken.durations, spoken.audio, again)])
    assert torch.equal(results[0][0], results[1][0])
    for one, other in zip(*results, strict=True):
        assert float((one - other).abs().max()) <= 1e-3


def test_alignments_found_for_a_gpu_are_those_found_on_a_cpu() -> None:
    scores = torch.randn(8, 120, 30)
    phonemes, frames = torch.randint(1, 31, (8,)), torch.randint(30, 121, (8,))
    on_gpu = search_durations(scores.cuda(), phonemes.cuda(), frames.cuda())
    assert on_gpu.is_cuda
    assert torch.equal(on_gpu.cpu(), search_durations(scores, phonemes, frames))


@pytest.mark.parametrize("execution", ["eager", "graphs"])
@pytest.mark.parametrize("kind", DECODER_KINDS)
def test_a_step_never_waits_for_the_gpu(tmp_path: Path, execution: str, kind: str) -> None:
    more = (
        *("loss.subband_stft=1.0", "discriminator.resolutions=[[1024, 256, 1024], [512, 128, 512]]"),
        *("loss.waveform=1", "loss.stft=1", "loss.multi_scale_mel=1", "loss.ssim=1", "loss.cosine=1"),
        *("loss.ms_ssim=1", "loss.ms_ssim_scales=2", "loss.feature_matching_kind=relative"),
    )
    trainer = random_trainer(
        tmp_path, f"train.execution={execution}", f"decoder.kind={kind}", *(more if kind != "hifigan" else ())
    )
    batch = trainer.batch(trainer.corpus.train[:4])
    for _ in range(3):  # kernels are built, the optimizers' states made, and the graph is recorded
        trainer.run_step(batch)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            trainer.means.add(trainer.run_step(batch).scalars())
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert math.isfinite(trainer.means.read()["loss/generator/total"])


def test_recorded_steps_are_the_steps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    losses, weights, averages = [], [], []
    for execution in ("eager", "graphs"):
        trainer = random_trainer(tmp_path, f"train.execution={execution}", "train.warmup_steps=8")
        trainer.frame_bounds = trainer.config.data.bucket_frames  # the same padding, for the same noise
        batches = [trainer.batch(trainer.corpus.train[start : start + 4]) for start in (0, 4)]
        reports = []
        for step in range(8):
            reports.append({name: float(value) for name, value in trainer.run_step(batches[step % 2]).losses.items()})
            trainer.step += 1
        losses.append(reports)
        weights.append([weight.detach().clone() for weight in trainer.synthesizer.parameters()])
        averages.append([weight.detach().clone() for weight in trainer.ema.parameters()])
    assert "cannot be captured" not in capsys.readouterr().err
    for eager, replayed in zip(*losses, strict=True):
        assert replayed == pytest.approx(eager, rel=1e-2)
    # A learning rate that stays where it was recorded moves the weights by 6e-3, such a share the average by 1.3e-3.
    for pairs, limit in ((weights, 2e-3), (averages, 3e-4)):
        eager, replayed = (torch.cat([weight.flatten() for weight in one]) for one in pairs)
        assert float((eager - replayed).norm() / eager.norm()) < limit


def test_a_broken_gradient_passes_over_a_recorded_update(tmp_path: Path) -> None:
    trainer = random_trainer(tmp_path, "train.execution=graphs")
    batch = trainer.batch(trainer.corpus.train[:4])
    for _ in range(3):
        trainer.run_step(batch)
    before = [weight.detach().clone() for weight in trainer.synthesizer.parameters()]
    batch.audio.fill_(math.nan)
    report = trainer.run_step(batch)
    assert not bool(report.gradient_norms["generator"].isfinite())
    assert all(torch.equal(one, two) for one, two in zip(before, trainer.synthesizer.parameters(), strict=True))
    assert {float(one["step"]) for one in trainer.synthesizer_optimizer.state.values()} == {3.0}
    report = trainer.run_step(trainer.batch(trainer.corpus.train[:4]))
    assert bool(report.gradient_norms["generator"].isfinite())
    assert {float(one["step"]) for one in trainer.synthesizer_optimizer.state.values()} == {4.0}


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_five_hundred_steps_on_real_speech_stay_finite_and_learn(
    corpus: Corpus, tmp_path: Path, precision: str
) -> None:
    run = tmp_path / "run"
    settings = (f"train.precision={precision}", "train.batch_size=16", "train.steps=500", "train.report_every=10")
    Trainer(on_real_speech("small", run, *settings, "train.spoken_sentences=1"), corpus).train(StopRequest())
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    losses = [value for line in lines for key, value in line.items() if key.startswith("loss/")]
    assert len(losses) >= 50 * 7
    assert all(value is not None and math.isfinite(value) for value in losses)
    mels = [line["validation/mel"] for line in lines if "validation/mel" in line]
    assert mels[-1] < 0.6 * mels[0]


@pytest.mark.slow
def test_a_run_resumes_on_a_gpu(tmp_path: Path) -> None:
    settings = ("train.steps=3", "train.batch_size=4", "train.precision=fp16", "train.report_every=1")
    start(on_real_speech("small", tmp_path / "run", *settings)).train(StopRequest())
    rest = resume(tmp_path / "run", ["train.steps=5"])
    rest.train(StopRequest())
    assert rest.step == 5
    assert rest.scaler.get_scale() > 0


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bf16", "fp16", "fp32"])
def test_steps_per_second_of_the_paper_at_batch_64(
    corpus: Corpus, tmp_path: Path, precision: str, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer = Trainer(on_real_speech("ljspeech", tmp_path / "run", f"train.precision={precision}"), corpus)
    batches = trainer.batches()
    for _ in range(4):
        trainer.run_step(next(batches))
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    started = time.perf_counter()
    for _ in range(12):
        report = trainer.run_step(next(batches))
    torch.cuda.synchronize()
    pace, peak = 12 / (time.perf_counter() - started), torch.cuda.max_memory_allocated() / 2**30
    with capsys.disabled():
        print(f"\nljspeech.toml, batch 64, {precision}: {pace:.2f} steps per second, {peak:.1f} GiB at most")
    assert math.isfinite(float(report.losses["loss/generator/total"]))
    assert pace > 0.5
