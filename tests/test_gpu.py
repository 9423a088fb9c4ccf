"""The same voice on a GPU: agrees with the CPU, trains in every precision, never waits where it need not."""

import json
import math
import time
from pathlib import Path

import pytest
import torch

from configs import Config, load_config
from data.corpus import Corpus, load_corpus
from data.preparation import prepare
from models import Synthesizer
from models.alignment import search_durations
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
        trainer.train_step(next(batches))
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    started = time.perf_counter()
    for _ in range(12):
        report = trainer.train_step(next(batches))
    torch.cuda.synchronize()
    pace, peak = 12 / (time.perf_counter() - started), torch.cuda.max_memory_allocated() / 2**30
    with capsys.disabled():
        print(f"\nljspeech.toml, batch 64, {precision}: {pace:.2f} steps per second, {peak:.1f} GiB at most")
    assert math.isfinite(float(report.losses["loss/synthesizer"]))
    assert pace > 0.5
