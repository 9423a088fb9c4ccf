"""A sentence that our graph decodes in chunks is the one it decodes at once, and waits for no more than the first."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import onnx
import pytest
import torch

from configs import DECODER_KINDS, InputError
from speaking.engine import FIRST_FRAMES
from speaking.onnx_engine import OnnxEngine
from tests.voices.export.exported import rounding, shallow_config, small_voice
from tests.voices.random_voice import seeded
from voices import onnx_windows
from voices.export import DECODER_FIELD, FLOW_FIELD
from voices.export.__main__ import write_onnx
from voices.export.digest import sealed
from voices.export.noise import open_apart
from voices.onnx_synthesizer import OnnxLatents, OnnxSynthesizer, load_onnx
from voices.onnx_windows import ReceptiveFields
from voices.seeded_noise import SeededNoise
from voices.voice_file import VoiceFile

SPEAKERS = ("ann", "bob")


def ids_of(count: int) -> list[int]:
    return [3 + place % 16 for place in range(count)]


def sampled(synthesizer: OnnxSynthesizer, ids: Sequence[int], speed: float = 1.0) -> OnnxLatents:
    """A sentence of the second speaker, up to the flow."""
    plan = synthesizer.plan(
        np.array([ids]), np.array([len(ids)]), np.array([1]), noise=SeededNoise(3), speed=speed, noise_scale=0.5
    )
    assert plan.sample is not None
    return plan.sample()


def joined(chunks: Iterator[np.ndarray]) -> np.ndarray:
    return np.concatenate(list(chunks), axis=2)


# Those whose receptive field has a bound.
@pytest.fixture(scope="module", params=[kind for kind in DECODER_KINDS if kind != "harmonic_noise"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[VoiceFile, Path]:
    voice = small_voice(shallow_config(request.param), speakers=SPEAKERS)
    return voice, write_onnx(voice, tmp_path_factory.mktemp("voice"), "choir")["float32"]


@pytest.fixture(scope="module")
def hifigan(tmp_path_factory: pytest.TempPathFactory) -> tuple[VoiceFile, dict[str, Path]]:
    voice = small_voice(shallow_config("hifigan"), speakers=SPEAKERS)
    return voice, write_onnx(voice, tmp_path_factory.mktemp("voice"), "choir", int8=True, fp16=True)


@pytest.mark.parametrize("first_frames", [1, 7, 100_000])
def test_chunks_are_what_torch_says_at_once(written: tuple[VoiceFile, Path], first_frames: int) -> None:
    voice, path = written
    ids = ids_of(90)
    latents = sampled(load_onnx(path).synthesizer, ids)
    generator = seeded(3)
    spoken = voice.synthesizer.speak(
        torch.tensor([ids]), torch.tensor([len(ids)]), torch.tensor([1]), noise_scale=0.5, generator=generator
    )
    chunks = list(latents.stream(first_frames))
    hop = voice.config.audio.hop_length
    if first_frames == 100_000:
        assert len(chunks) == 1
    else:
        assert len(chunks) > 1
        assert chunks[0].shape == (1, 1, first_frames * hop)
    audio = np.concatenate(chunks, axis=2)
    assert np.abs(audio - spoken.audio.numpy()).max() <= rounding(voice)
    assert audio.shape[2] == latents.audio_lengths[0]


def test_a_decoder_without_a_bound_tells_no_receptive_field_and_speaks_whole_sentences(tmp_path: Path) -> None:
    voice = small_voice(shallow_config("harmonic_noise"), speakers=SPEAKERS)
    path = write_onnx(voice, tmp_path, "choir")["float32"]
    assert ReceptiveFields.of(onnx.load(str(path)), "") is None
    plan = load_onnx(path).synthesizer.plan(
        np.array([ids_of(9)]), np.array([9]), np.array([1]), noise=SeededNoise(3), noise_scale=0.5
    )
    assert plan.sample is None


def test_a_field_that_is_no_number_is_named(hifigan: tuple[VoiceFile, dict[str, Path]]) -> None:
    model = onnx.load(str(hifigan[1]["float32"]))
    entries = {entry.key: entry.value for entry in model.metadata_props}
    for value in ("-1", "many", ""):
        onnx.helper.set_model_props(model, entries | {DECODER_FIELD: value})
        with pytest.raises(InputError, match=rf"choir\.onnx: its metadata is damaged \({DECODER_FIELD} = '{value}'\)"):
            ReceptiveFields.of(model, "choir.onnx")


def test_a_field_that_is_too_small_is_heard(hifigan: tuple[VoiceFile, dict[str, Path]]) -> None:
    voice, paths = hifigan
    model = onnx.load(str(paths["float32"]))
    decoder_field = voice.synthesizer.decoder.receptive_field
    assert decoder_field is not None
    fields = ReceptiveFields(voice.synthesizer.flow.receptive_field, decoder_field)
    assert ReceptiveFields.of(model, "") == fields
    hop = voice.config.audio.hop_length
    smaller = (ReceptiveFields(0, fields.decoder), ReceptiveFields(fields.flow, 0))
    for wrong in smaller:
        latents = sampled(OnnxSynthesizer.of(model, hop, wrong, threads=1), ids_of(90))
        assert np.abs(joined(latents.stream(3)) - latents.whole()).max() > 2 * rounding(voice)


class Watched:
    """A session that notes how many frames it is given."""

    def __init__(self, session: Any) -> None:
        self.session, self.frames = session, list[int]()

    def run(self, names: Any, feeds: dict[str, np.ndarray]) -> Any:
        self.frames.append(feeds["frame_mask"].shape[2])
        return self.session.run(names, feeds)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)


def test_neither_the_first_chunk_nor_memory_depends_on_the_length_of_the_sentence(
    hifigan: tuple[VoiceFile, dict[str, Path]],
) -> None:
    opened: list[Watched] = []

    def watched(*arguments: Any, **options: Any) -> Watched:
        opened.append(Watched(open_apart(*arguments, **options)))
        return opened[-1]

    with mock.patch.object(onnx_windows, "open_apart", watched):
        file = load_onnx(hifigan[1]["float32"])
    fields = ReceptiveFields.of(onnx.load(str(hifigan[1]["float32"])), "")
    assert fields is not None
    context = fields.flow + fields.decoder
    first, most = [], []
    for speed in (0.1, 0.02):
        latents = sampled(file.synthesizer, ids_of(60), speed)
        frames = int(latents.audio_lengths[0]) // hifigan[0].config.audio.hop_length
        assert frames > 10 * (FIRST_FRAMES + context)
        for session in opened:
            session.frames.clear()
        chunks = latents.stream(FIRST_FRAMES)
        next(chunks)
        first.append([session.frames[:] for session in opened])
        list(chunks)
        most.append([max(session.frames) for session in opened])
    assert first == [[[FIRST_FRAMES + context], [FIRST_FRAMES + fields.decoder]]] * 2
    assert all(widest < 5 * (FIRST_FRAMES + context) + 2 * context for each in most for widest in each)


def test_sixteen_bits_stream_and_eight_bits_whose_scale_depends_on_the_chunk_do_not(
    hifigan: tuple[VoiceFile, dict[str, Path]],
) -> None:
    voice, paths = hifigan
    latents = sampled(load_onnx(paths["float16"]).synthesizer, ids_of(60))
    assert np.abs(joined(latents.stream(5)) - latents.whole()).max() <= 2 * rounding(voice)
    engine = OnnxEngine.load(paths["int8"])[1]
    rendering = engine.render(
        ids_of(60),
        1,
        check=lambda _: None,
        generator=SeededNoise(3),
        noise_scale=0.5,
        duration_noise_scale=0.8,
        speed=0.2,
    )
    (chunk,) = rendering.chunks()
    assert len(chunk) == rendering.samples == rendering.frames.sum() * voice.config.audio.hop_length


def test_graphs_from_before_there_were_receptive_fields_are_decoded_at_once(
    hifigan: tuple[VoiceFile, dict[str, Path]], tmp_path: Path
) -> None:
    voice, paths = hifigan
    model = onnx.load(str(paths["float32"]))
    kept = {entry.key: entry.value for entry in model.metadata_props if entry.key not in (FLOW_FIELD, DECODER_FIELD)}
    kept = {key: value for key, value in kept.items() if "seal" not in key and "sha256" not in key}
    onnx.helper.set_model_props(model, kept)
    older = tmp_path / "older.onnx"
    older.write_bytes(sealed(model))
    Path(f"{older}.json").write_text(Path(f"{paths['float32']}.json").read_text())
    ids = np.array([ids_of(60)])
    plan = load_onnx(older).synthesizer.plan(ids, np.array([60]), np.array([1]), noise=SeededNoise(3), noise_scale=0.5)
    assert plan.sample is None
    ours = sampled(load_onnx(paths["float32"]).synthesizer, ids_of(60)).whole()
    assert np.abs(plan.decode().audio - ours).max() <= 2 * rounding(voice)
