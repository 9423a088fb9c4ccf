"""Files that are whole, under their own checksum, and hold something else: used or refused in one sentence."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import safetensors
import tomli_w
import torch
from safetensors.torch import save_file

from configs import InputError, dump_config, load_config, parse_config
from configs.content import object_in
from monitoring.curves import read_metrics
from tests.benchmarks.synthetic import synthetic_corpus
from tests.voices.mutations import OTHERS, mutations
from train import Trainer
from training.metrics_logger import _forget_after
from voices.checkpoint import content_of_checkpoint, load_checkpoint, save_checkpoint
from voices.importing.own import read_checkpoint
from voices.voice_file import _digest, load_voice, save_voice

HOUSE = Path(__file__).resolve().parents[1]
# Of every kind of layer one, as far as that goes: what takes time is to read a thousand tensors again and again.
SMALL = (
    *("train.batch_size=2", "train.precision=fp32", "discriminator.periods=[2]", "discriminator.scales=0"),
    *("model.text_layers=1", "model.posterior_layers=1", "model.coupling_layers=1", "model.coupling_wavenet_layers=1"),
    *("model.hidden_channels=16", "model.latent_channels=16", "model.filter_channels=32"),
    *("model.duration_channels=16", "model.duration_predictor=deterministic"),
    *("decoder.kind=vocos", "decoder.channels=32", "decoder.expansion_channels=64", "decoder.layers=1"),
)


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    folder = tmp_path_factory.mktemp("run")
    config = load_config(HOUSE / "configs" / "tiny.toml", [f"run.dir={folder}", "run.device=cpu", *SMALL])
    trainer = Trainer(config, synthetic_corpus(config, batches=1, mean_frames=60))
    trainer.run_step(next(iter(trainer.batches())))
    trainer.step = 1
    return trainer


def one_sentence(error: InputError, path: Path) -> None:
    assert str(path) in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 1000


@pytest.mark.slow
def test_a_mutated_checkpoint_of_the_right_sha_is_refused_in_a_sentence_or_goes_on(
    trainer: Trainer, tmp_path: Path
) -> None:
    path, refused = tmp_path / "00000001.pt", 0
    whole, values = trainer.state_dict(), set[str]()
    for what, state in mutations(whole, 36, depth=4):
        values.add(what.rpartition(" = ")[2])
        save_checkpoint(path, state)
        try:
            read = load_checkpoint(path)
            with content_of_checkpoint(path):
                parse_config(read["config"], source=str(path))
                trainer.load_state_dict(read)
        except InputError as error:
            one_sentence(error, path)
            refused += 1
        else:
            assert trainer.state_dict().keys() == whole.keys(), what
            trainer.synthesizer_optimizer.step()
        try:
            read_checkpoint(path, to_train=True)
        except InputError as error:
            one_sentence(error, path)
    assert refused > 15
    assert len(values) == 1 + len(OTHERS)  # each at some place, and a missing one
    trainer.load_state_dict(whole)


def test_a_checkpoint_that_is_no_dict_is_refused(tmp_path: Path) -> None:
    states: tuple[object, ...] = (
        [],
        torch.zeros(3),
        "x",
        None,
        {"step": -1},
        {"step": True},
        {"speakers": [3]},
        {"average": {"a": 1}},
    )
    for state in states:
        save_checkpoint(tmp_path / "1.pt", state)  # type: ignore[arg-type]
        with pytest.raises(InputError, match=r"1\.pt: does not hold training state") as raised:
            load_checkpoint(tmp_path / "1.pt")
        one_sentence(raised.value, tmp_path / "1.pt")


@pytest.mark.slow
def test_a_mutated_voice_of_the_right_sha_is_refused_in_a_sentence_or_used(trainer: Trainer, tmp_path: Path) -> None:
    path = tmp_path / "voice.safetensors"
    save_voice(path, trainer.ema, trainer.config, symbols=trainer.corpus.symbols.to_json(), speakers=(), step=1)
    with safetensors.safe_open(str(path), framework="pt") as file:
        metadata, weights = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    del metadata["sha256"]
    config = tomllib.loads(metadata["config"])
    values = [
        "",
        "{}",
        "[]",
        "7",
        "x",
        "[" * 5000,
        "9" * 5000,
        '{"_": "a"}',
        "\udc00".encode("utf-8", "replace").decode(),
    ]
    cases = [metadata | {name: value} for name in metadata if name != "format" for value in values]
    cases += [{key: value for key, value in metadata.items() if key != name} for name in metadata if name != "format"]
    for _, changed in mutations(config, 30, depth=2):
        try:
            cases.append(metadata | {"config": dump_of(changed)})
        except (TypeError, ValueError, AttributeError):
            continue
    refused = 0
    for case in cases:
        save_file(weights, path, metadata=case | {"sha256": _digest(weights, case)})
        try:
            load_voice(path)
        except InputError as error:
            one_sentence(error, path)
            refused += 1
    for name, weight in list(weights.items())[:12]:
        changed_weights = weights | {name: weight[:0]}
        save_file(changed_weights, path, metadata=metadata | {"sha256": _digest(changed_weights, metadata)})
        with pytest.raises(InputError) as raised:
            load_voice(path)
        one_sentence(raised.value, path)
    assert refused > 40


def dump_of(tree: dict[str, Any]) -> str:
    return tomli_w.dumps(tree)


@pytest.mark.parametrize(
    "content",
    [
        b"a = " + b"[" * 20_000,
        b"a = " + b"{b=" * 20_000,
        b"[train]\nsteps = " + b"9" * 5000,
        b"[train]\nlearning_rate = " + b"9" * 4000,
        b"[train]\nsteps = " + b"9" * 4000,
        b"[run]\ndir = '" + b"x" * 5000 + b"'\nseed = []",
        b'[data]\nroot = "a\\u0000b"',
        b"\xff\xfe",
        b"[a.b.c.d]\n" * 2,
        b"".join(b"[x%d]\n" % n for n in range(3000)),
    ],
)
def test_a_settings_file_that_no_one_meant_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        load_config(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value).replace(str(path), "")


def test_mutated_settings_are_refused_in_a_sentence_or_used() -> None:
    path, refused = Path("a.toml"), 0
    tree = tomllib.loads(dump_config(load_config(HOUSE / "configs" / "tiny.toml")))
    for _, changed in mutations(tree, 500, depth=3):
        try:
            parse_config(changed, source=str(path))
        except InputError as error:
            one_sentence(error, path)
            refused += 1
    assert refused > 300


@pytest.mark.parametrize(
    "line", [b"\xff\xfe\n", b'{"step": "\xc3"}\n', b"[" * 100_000 + b"\n", b'{"step": 1' + b"0" * 5000 + b"}\n"]
)
def test_a_line_of_metrics_that_is_no_text_is_left_out_and_dropped_on_resume(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "metrics.jsonl"
    good = b'{"step": 1, "loss/generator/mel": 2.0}\n'
    path.write_bytes(good + line + good.replace(b"1", b"2"))
    assert read_metrics(path).damaged == (2,)
    _forget_after(path, 1)
    assert path.read_bytes() == good


@pytest.mark.parametrize("name", ["a\0b.wav", "x" * 300 + ".wav", "y" * 300 + "/a.wav"])
@pytest.mark.parametrize("command", ["infer", "import"])
def test_an_output_that_no_file_system_can_name_is_one_sentence(
    trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    name: str, command: str,
) -> None:  # fmt: skip
    voice = tmp_path / "voice.safetensors"
    save_voice(voice, trainer.ema, trainer.config, symbols=trainer.corpus.symbols.to_json(), speakers=(), step=1)
    import infer
    from voices.importing import __main__ as importing

    arguments = [str(voice), "a", "-o", str(tmp_path / name)] if command == "infer" else [
        "--from", str(voice), "-o", str(tmp_path / name)
    ]  # fmt: skip
    monkeypatch.setattr("sys.argv", ["x", *arguments])
    assert (infer.main if command == "infer" else importing.main)() == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_json_beside_a_run_that_is_no_object_is_left_out(tmp_path: Path) -> None:
    for content in (b"\xff", b"[" * 100_000, b"7", b"", b"9" * 5000):
        (tmp_path / "a.json").write_bytes(content)
        assert object_in(tmp_path / "a.json") == {}
    assert object_in(tmp_path / "none.json") == {}
    (tmp_path / "a.json").write_text(json.dumps({"clips": 3}))
    assert object_in(tmp_path / "a.json") == {"clips": 3}
