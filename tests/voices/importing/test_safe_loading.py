"""Nothing in a file is ever run, and what is not a voice is refused in one sentence."""

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from configs import InputError
from tests.voices.importing.foreign_files import original_synthesizer, write_original
from voices.importing.report import Fate
from voices.importing.sources import load_voice_from
from voices.importing.torch_file import read_torch_file


class Burglar:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("place", ["beside", "inside", "old format"])
def test_a_pickle_with_code_is_refused_and_its_code_does_not_run(tmp_path: Path, place: str) -> None:
    trace = tmp_path / "trace"
    weights: dict[str, Any] = {"enc_p.emb.weight": torch.zeros(178, 16)}
    state = {"model": weights, "optimizer": Burglar(trace)}
    if place == "inside":
        state = {"model": {**weights, "dec.conv_post.weight": Burglar(trace)}}
    torch.save(state, tmp_path / "G_1.pth", _use_new_zipfile_serialization=place != "old format")
    with pytest.raises(InputError, match=r"G_1\.pth: is not weights and settings alone, and is not loaded: .*mkdir"):
        load_voice_from(tmp_path / "G_1.pth")
    assert not trace.exists()
    pickle.loads(pickle.dumps(Burglar(trace)))  # it would have
    assert trace.exists()


def test_a_bare_pickle_with_code_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "voice.ckpt").write_bytes(pickle.dumps({"state_dict": Burglar(tmp_path / "trace")}, protocol=2))
    with pytest.raises(InputError, match="is not weights and settings alone, and is not loaded"):
        load_voice_from(tmp_path / "voice.ckpt")
    assert not (tmp_path / "trace").exists()


def test_a_hostile_name_is_a_name(tmp_path: Path) -> None:
    name = "__import__('os').mkdir('trace').weight_v"
    more = {name: torch.ones(2), "../../etc/passwd": torch.ones(1), "..weight": torch.ones(3), "": torch.ones(1)}
    tensors = original_synthesizer().state_dict()
    imported = load_voice_from(write_original(tmp_path, {**tensors, **more}))
    skipped = {line.name for line in imported.report.lines if line.fate is Fate.SKIPPED}
    assert skipped == more.keys()
    assert name in imported.report.text(every_tensor=True)


def test_paths_of_every_system_are_read_as_text_about_places(tmp_path: Path) -> None:
    # As Python 3.12 and older, and 3.13, write a path of Windows, which cannot be made elsewhere.
    for module in (b"pathlib", b"pathlib._local"):
        content = b"\x80\x02c" + module + b"\nWindowsPath\nX\x04\x00\x00\x00C:\\aX\x01\x00\x00\x00b\x86R."
        with zipfile.ZipFile(tmp_path / "x.ckpt", "w") as archive:
            archive.writestr("x/data.pkl", content)
            archive.writestr("x/version", "3\n")
        assert str(read_torch_file(tmp_path / "x.ckpt")) == "C:\\a\\b"


def write_half(path: Path) -> None:
    torch.save({"a": torch.ones(9999)}, path)
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: path.write_text("not a checkpoint"), "it is no pickle of torch$"),
        (lambda path: path.write_text("epoch 7: loss 3.1"), "it is no pickle of torch$"),
        (lambda path: path.write_bytes(b""), "is damaged"),
        (lambda path: torch.save([1, 2], path), "not of a supported voice; give a run folder or"),
        (lambda path: torch.save({"model": {"weight": torch.ones(2)}}, path), "not of a supported voice"),
        (lambda path: torch.save({"model": {"discriminators.0.convs.0.bias": torch.ones(2)}}, path), "give the G_"),
        (
            lambda path: torch.save({"enc_p.emb.weight": torch.ones(178, 16)}, path),
            r"is not a VITS voice with a HiFi-GAN decoder: it has no tensor enc_p\.encoder\.attn_layers\.0\.emb_rel_k",
        ),
        (lambda path: torch.save({"enc_p.emb.weight": torch.ones(())}, path), "is not a VITS voice"),
        (write_half, "is not weights and settings alone|is damaged"),
    ],
)
def test_what_is_no_voice_is_refused_in_one_sentence(tmp_path: Path, make: Any, told: str) -> None:
    make(tmp_path / "x.pth")
    with pytest.raises(InputError, match=told) as refusal:
        load_voice_from(tmp_path / "x.pth")
    assert "\n" not in str(refusal.value)


def test_places_without_a_voice_are_named(tmp_path: Path) -> None:
    (tmp_path / "voice.onnx").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    for place, told in (
        ("nowhere", "there is no such file or folder"),
        ("voice.onnx", "there is no such file; a voice in ONNX is two"),
        ("empty", "there is no voice in it; give a run folder"),
        ("run", "holds no voice yet"),
    ):
        with pytest.raises(InputError, match=told):
            load_voice_from(tmp_path / place)


def test_a_pickle_on_which_torch_asserts_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "G_1.pth", "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02K\x05Q.")  # a persistent id that is no tuple
        archive.writestr("archive/version", "3\n")
    with pytest.raises(AssertionError):
        torch.load(tmp_path / "G_1.pth", weights_only=True)
    with pytest.raises(InputError, match=r"G_1\.pth: is damaged, or not a checkpoint of torch"):
        load_voice_from(tmp_path / "G_1.pth")
