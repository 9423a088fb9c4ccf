"""A run that begins with a voice: what fits is taken over to the bit, and every tensor is accounted for."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.utils import parametrize

from configs import Config, InputError
from configs.training import PARTS
from models.discriminator import Discriminator
from models.synthesizer import Synthesizer
from tests.voices.importing.foreign_files import original_synthesizer, some_ids, write_original
from tests.voices.random_voice import largest_difference, randomised, small_config, small_synthesizer
from voices.importing.assembly import Imported
from voices.importing.report import Fate, Report
from voices.importing.sources import load_voice_from
from voices.importing.warm_start import WarmStart, trained_symbols
from voices.voice_file import VoiceFile, save_voice, synthesizer_of

SYMBOLS = {"_": 0, "^": 1, "$": 2, **{letter: index + 3 for index, letter in enumerate("abcdefghijklmnopq")}}


def voice_of(
    synthesizer: Synthesizer, config: Config, symbols: dict[str, int] = SYMBOLS, speakers: tuple[str, ...] = ()
) -> Imported:
    weights = {name: weight.detach() for name, weight in synthesizer.folded_state_dict().items()}
    folded = synthesizer_of(config, weights, num_speakers=max(1, len(speakers)))
    return Imported(VoiceFile(config, folded, json.dumps(symbols), speakers, 5), Report("v.safetensors: voice", ()))


def new_networks(config: Config, *, num_symbols: int = 20, speakers: int = 1) -> tuple[Synthesizer, Discriminator]:
    torch.manual_seed(8)
    synthesizer = Synthesizer(config, num_symbols=num_symbols, num_speakers=speakers)
    return synthesizer, Discriminator(config.discriminator)


def weights_of(synthesizer: Synthesizer) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in synthesizer.folded_state_dict().items()}


def fates(report: Report, part: str = "") -> set[Fate]:
    return {line.fate for line in report.lines if line.part.startswith(part)}


def test_the_same_settings_give_the_same_weights_and_training_can_go_on() -> None:
    config = small_config()
    source = small_synthesizer(config)
    synthesizer, discriminator = new_networks(config)
    imported = voice_of(source, config)
    report = WarmStart(imported).give(synthesizer, discriminator, config, json.dumps(SYMBOLS), ())
    expected = weights_of(source)
    for name, weight in weights_of(synthesizer).items():
        assert largest_difference(weight, expected[name]) <= 2e-7 * float(expected[name].abs().max()), name
    for module in synthesizer.modules():
        if parametrize.is_parametrized(module, "weight"):
            magnitude = module.get_parameter("parametrizations.weight.original0")
            direction = module.get_parameter("parametrizations.weight.original1")
            assert torch.allclose(magnitude.flatten(), direction.flatten(1).norm(dim=1))
    assert fates(report, "discriminator") == {Fate.NEW}
    assert {line.fate for line in report.lines if line.part != "discriminator"} == {Fate.COPIED}
    # Training moves the new weights, and not those of the voice.
    before = weights_of(imported.voice.synthesizer)
    with torch.no_grad():
        for parameter in synthesizer.parameters():
            parameter.add_(1.0)
    after = imported.voice.synthesizer.folded_state_dict()
    assert all(torch.equal(weight, after[name]) for name, weight in before.items())


def test_rows_go_by_symbol_and_speakers_by_name() -> None:
    config = small_config()
    source = small_synthesizer(config, num_speakers=3)
    symbols = {"_": 0, "b": 1, "é": 2, "a": 3}  # no start and end, another order, and one that is new
    synthesizer, discriminator = new_networks(config, num_symbols=4, speakers=2)
    before = weights_of(synthesizer)
    warm = WarmStart(voice_of(source, config, speakers=("ann", "bob", "cy")))
    report = warm.give(synthesizer, discriminator, config, json.dumps(symbols), ("dee", "bob"))
    embedding, speakers = synthesizer.text_encoder.embedding.weight, synthesizer.speakers
    assert speakers is not None
    assert source.speakers is not None
    theirs = source.text_encoder.embedding.weight
    for symbol in "_ab":
        assert torch.equal(embedding[symbols[symbol]], theirs[SYMBOLS[symbol]])
    assert torch.equal(embedding[2], before["text_encoder.embedding.weight"][2])
    assert torch.equal(speakers.weight[1], source.speakers.weight[1])
    assert torch.equal(speakers.weight[0], before["speakers.weight"][0])
    told = report.text()
    assert "resized  text_encoder.embedding.weight [4x16]: 3 of 4 rows taken by name; new: é" in told
    assert "resized  speakers.weight [2x6]: 1 of 2 rows taken by name; new: dee" in told


def test_only_the_parts_asked_for_are_taken() -> None:
    config = small_config()
    synthesizer, discriminator = new_networks(config)
    before = weights_of(synthesizer)
    warm = WarmStart(voice_of(small_synthesizer(config), config), ("flow", "decoder"))
    report = warm.give(synthesizer, discriminator, config, json.dumps(SYMBOLS), ())
    kept = {name.partition(".")[0] for name, weight in weights_of(synthesizer).items() if weight.equal(before[name])}
    assert kept >= {"text_encoder", "posterior_encoder", "duration_predictor"}
    assert kept.isdisjoint({"flow", "decoder"})
    assert fates(report, "flow") == fates(report, "decoder") == {Fate.COPIED}
    assert fates(report, "text_encoder") == {Fate.NEW}


def test_tensors_of_other_shapes_and_of_another_decoder_stay_new() -> None:
    source, config = small_synthesizer(), small_config(decoder={"initial_channels": 8}, model={"text_layers": 1})
    synthesizer, discriminator = new_networks(config)
    before = weights_of(synthesizer)
    report = WarmStart(voice_of(source, small_config())).give(
        synthesizer, discriminator, config, json.dumps(SYMBOLS), ()
    )
    lines = {line.name: line for line in report.lines}
    assert lines["decoder.input.weight"].fate is Fate.NEW
    assert "of another shape there: [16, 8, 7]" in lines["decoder.input.weight"].why
    assert lines["text_encoder.blocks.1.attention.query.weight"].fate is Fate.SKIPPED
    assert lines["text_encoder.blocks.0.attention.query.weight"].fate is Fate.COPIED
    assert torch.equal(weights_of(synthesizer)["decoder.input.weight"], before["decoder.input.weight"])
    assert any("decoder.initial_channels is 16 in the voice and 8 in this run" in note for note in report.notes)


@pytest.mark.parametrize("predictor", ["stochastic", "deterministic"])
def test_at_another_sample_rate_a_phoneme_takes_as_many_seconds_as_before(predictor: str) -> None:
    model = {"duration_predictor": predictor}
    config = small_config(model=model)
    faster = small_config(model=model, audio={"sample_rate": round(1.5 * config.audio.sample_rate)})
    source = small_synthesizer(config)
    synthesizer, discriminator = new_networks(faster)
    WarmStart(voice_of(source, config)).give(synthesizer, discriminator, faster, json.dumps(SYMBOLS), ())
    hidden = torch.randn(2, config.model.hidden_channels, 9, generator=torch.Generator().manual_seed(1))
    before, after = (
        each.eval().duration_predictor.predict(
            hidden, torch.ones(2, 1, 9), noise_scale=0.8, generator=torch.Generator().manual_seed(2)
        )
        for each in (source, synthesizer)
    )
    torch.testing.assert_close(after.exp() / before.exp(), torch.full_like(before, 1.5))


def other_settings() -> Config:
    """Of which nothing fits a small voice."""
    sizes = {"hidden_channels": 20, "latent_channels": 10, "filter_channels": 28, "speaker_channels": 5}
    return small_config(decoder={"initial_channels": 8}, model={**sizes, "duration_predictor": "deterministic"})


def test_a_voice_of_which_nothing_fits_is_refused_by_the_settings_alone() -> None:
    warm = WarmStart(voice_of(small_synthesizer(), small_config()))
    told = r"less than 1 % of any part fits .* 16 -> 20; [^;]* 8 -> 10; [^;]* 24 -> 28 and 3 more\)"
    with pytest.raises(InputError, match=rf"^v\.safetensors: {told}"):
        warm.refuse_misfit(other_settings())
    with pytest.raises(InputError, match=r"less than 1 % of any part fits this run \(new .* of another "):
        warm.give(*new_networks(other_settings()), other_settings(), json.dumps(SYMBOLS), ())
    warm.refuse_misfit(small_config(model={"text_layers": 1}))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_which_nothing_fits_is_named_before_the_recordings_are_read(part: str) -> None:
    source, config = small_synthesizer(num_speakers=2), small_config()
    warm = WarmStart(voice_of(source, config, speakers=("ann", "bob")), (part,))
    first = {"decoder": "model.latent_channels: 8 -> 10", "speakers": "model.speaker_channels: 6 -> 5"}
    told = re.escape(f"(there -> here: {first.get(part, 'model.hidden_channels: 16 -> 20')}")
    match = rf"--parts {part}: less than 1 % of that part of v\.safetensors fits the settings of this run {told}"
    with pytest.raises(InputError, match=match) as refused:
        warm.refuse_misfit(other_settings())
    assert len(str(refused.value)) < 300
    warm.refuse_misfit(config)
    # What the settings let pass is given: neither check is stricter than the other. One symbol and one speaker are new.
    symbols = json.dumps({**SYMBOLS, "ø": 20})
    report = warm.give(*new_networks(config, num_symbols=21, speakers=2), config, symbols, ("bob", "cy"))
    assert {line.part for line in report.lines if line.fate in (Fate.COPIED, Fate.RESIZED)} == {part}


def test_a_few_biases_that_always_fit_are_no_warm_start() -> None:
    source = small_synthesizer()
    settings = other_settings().model.model_dump() | {"duration_predictor": "stochastic", "duration_channels": 48}
    config = small_config(decoder={"initial_channels": 8}, model=settings)
    theirs, ours = weights_of(source), weights_of(new_networks(config)[0])
    same = {name for name, weight in ours.items() if name in theirs and weight.shape == theirs[name].shape}
    assert {name.partition(".")[0] for name in same} == {"duration_predictor"}  # shapes that no setting changes
    for parts, named in (((), r"of any part"), (("duration_predictor",), r"of that part")):
        warm = WarmStart(voice_of(source, small_config()), parts)
        with pytest.raises(InputError, match=rf"less than 1 % {named} .*model\.hidden_channels: 16 -> 20"):
            warm.refuse_misfit(config)
        with pytest.raises(InputError, match=rf"less than 1 % {named} .*: of another "):
            warm.give(*new_networks(config), config, json.dumps(SYMBOLS), ())
    # A part that nobody named may miss.
    config = small_config(model={"duration_channels": 48})
    warm = WarmStart(voice_of(source, small_config()))
    warm.refuse_misfit(config)
    report = warm.give(*new_networks(config), config, json.dumps(SYMBOLS), ())
    assert fates(report, "duration_predictor") == {Fate.COPIED, Fate.NEW}
    assert fates(report, "flow") == {Fate.COPIED}


OTHER_SIZES: dict[str, Any] = {
    "audio.n_fft": 64,
    "model.hidden_channels": 20,
    "model.latent_channels": 10,
    "model.filter_channels": 28,
    "model.attention_heads": 4,
    "model.attention_window": 5,
    "model.text_layers": 3,
    "model.text_kernel_size": 5,
    "model.text_dropout": 0.3,
    "model.posterior_layers": 4,
    "model.posterior_kernel_size": 3,
    "model.coupling_layers": 2,
    "model.coupling_wavenet_layers": 3,
    "model.coupling_kernel_size": 3,
    "model.coupling_channels": 12,
    "model.duration_predictor": "deterministic",
    "model.duration_channels": 20,
    "model.duration_kernel_size": 5,
    "model.duration_flows": 2,
    "model.duration_dropout": 0.3,
    "model.speaker_channels": 5,
    "decoder.initial_channels": 8,
    "decoder.residual_kernel_sizes": [3, 7],
}


@pytest.mark.parametrize("setting", OTHER_SIZES)
def test_a_refusal_tells_a_setting_for_the_parts_it_shapes_and_no_other(setting: str) -> None:
    section, _, key = setting.partition(".")
    config = small_config(**{section: small_config().model_dump()[section] | {key: OTHER_SIZES[setting]}})
    source = small_synthesizer(num_speakers=2)
    warm = WarmStart(voice_of(source, small_config(), speakers=("ann", "bob")))
    theirs, ours = weights_of(source), weights_of(new_networks(config, speakers=2)[0])
    for part in PARTS:
        # What a speaker adds to a layer is left aside: no part is refused for it.
        here, there = (
            {
                name: weight.shape
                for name, weight in weights.items()
                if name.startswith(part) and ".speaker." not in name
            }
            for weights in (ours, theirs)
        )
        assert (setting in warm._misfit(config, [part])) == (here != there), part


def test_a_part_that_the_voice_does_not_have_is_told_with_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "voice.safetensors"
    save_voice(path, small_synthesizer(), small_config(), symbols=json.dumps(SYMBOLS), speakers=(), step=1)
    for part, told in (
        ("posterior_encoder", r"has none: only training needs it, .* in its checkpoints: give the run folder"),
        ("speakers", "has none: it is the voice of one speaker"),
    ):
        with pytest.raises(InputError, match=rf"--parts {part}: .*voice\.safetensors: voice, which {told}"):
            WarmStart.asked(path, f"flow,{part}")


def test_speakers_asked_for_that_cannot_be_taken_are_told_with_the_reason() -> None:
    config = small_config()
    warm = WarmStart(voice_of(small_synthesizer(num_speakers=2), config, speakers=("ann", "bob")), ("speakers", "flow"))
    with pytest.raises(InputError, match=r"--parts speakers: less than .* \(this run has one speaker\): leave it out"):
        warm.give(*new_networks(config), config, json.dumps(SYMBOLS), ())
    with pytest.raises(InputError, match=r"--parts speakers: .*none of its rows is known there\): leave it out"):
        warm.give(*new_networks(config, speakers=2), config, json.dumps(SYMBOLS), ("cy", "dee"))


def test_an_unknown_part_is_refused_with_the_parts_there_are(tmp_path: Path) -> None:
    save_voice(tmp_path / "v.safetensors", small_synthesizer(), small_config(), symbols="{}", speakers=(), step=1)
    for parts, named in (("decoder,vocoder", "vocoder"), ("", "''"), (" ", "''"), ("decoder,", "''")):
        with pytest.raises(InputError, match=rf"--parts {named}: .* the parts are text_encoder, posterior_encoder, "):
            WarmStart.asked(tmp_path / "v.safetensors", parts)


def test_an_imported_voice_keeps_its_posterior_encoder_in_a_file_if_it_is_to_be_trained_on(tmp_path: Path) -> None:
    voice = load_voice_from(write_original(tmp_path, original_synthesizer().state_dict())).voice
    for whole in (True, False):
        path = tmp_path / f"{whole}.safetensors"
        save_voice(
            path, voice.synthesizer, voice.config, symbols=voice.symbols, speakers=(), step=voice.step, whole=whole
        )
        back = load_voice_from(path)
        assert hasattr(back.voice.synthesizer, "posterior_encoder") == whole
        kept = back.voice.synthesizer.state_dict()
        assert all(torch.equal(weight, voice.synthesizer.state_dict()[name]) for name, weight in kept.items())
        said, again = (
            each.synthesizer.speak(some_ids(), torch.tensor([11]), noise_scale=0, duration_noise_scale=0).audio
            for each in (voice, back.voice)
        )
        assert torch.equal(said, again)


def embedding_of(report: Report) -> str:
    return next(line.why for line in report.lines if line.name == "text_encoder.embedding.weight")


def test_a_phoneme_that_the_voice_lacks_begins_as_the_nearest_one() -> None:
    config = small_config()
    source = small_synthesizer(config)
    theirs = dict(zip("_^$pbtdkɡmnfvszlɹhiu", range(20), strict=True))
    ours = {"_": 0, "^": 1, "$": 2, "ʁ": 3, "y": 4, "ɹ": 5, "ˈ": 6}
    synthesizer, discriminator = new_networks(config, num_symbols=7)
    before = weights_of(synthesizer)["text_encoder.embedding.weight"]
    report = WarmStart(voice_of(source, config, theirs)).give(synthesizer, discriminator, config, json.dumps(ours), ())
    here, there = synthesizer.text_encoder.embedding.weight, source.text_encoder.embedding.weight
    for symbol, nearest in {"ʁ": "ɹ", "y": "i", "ɹ": "ɹ", "_": "_"}.items():
        assert torch.equal(here[ours[symbol]], there[theirs[nearest]])
    assert torch.equal(here[6], before[6])
    assert embedding_of(report) == "4 of 7 rows taken by name; new: ʁ as ɹ, y as i, ˈ"


def test_letters_are_not_taken_for_phonemes() -> None:
    config = small_config(data={"front_end": "graphemes"})
    theirs = {"_": 0, "^": 1, "$": 2, "a": 3, "k": 4}
    synthesizer, discriminator = new_networks(config, num_symbols=4)
    imported = voice_of(small_synthesizer(config), config, theirs)
    report = WarmStart(imported).give(synthesizer, discriminator, config, '{"_": 0, "^": 1, "$": 2, "c": 3}', ())
    assert embedding_of(report) == "3 of 4 rows taken by name; new: c"


def test_rows_that_training_never_touched_are_told_by_the_rows_of_no_symbol() -> None:
    generator = torch.Generator().manual_seed(3)
    rows = torch.randn(80, 192, generator=generator) / 192**0.5
    symbols = {"_": 0, "ɹ": 1, "i": 2, "ʁ": 3, "y": 4}
    rows[:3] *= 1.5 * torch.arange(1, 4)[:, None]  # what training makes long
    rows *= 0.4  # what weight decay makes of all
    assert set(trained_symbols(rows, symbols)) == {"_", "ɹ", "i"}
    # In a voice that was never trained, and where every row has a symbol, there is no telling.
    untouched = torch.randn(80, 192, generator=generator)
    assert trained_symbols(untouched, symbols) == symbols
    assert trained_symbols(rows[:5], symbols) == symbols


def test_a_row_that_was_never_trained_begins_as_the_nearest_one_too() -> None:
    config = small_config(model={"hidden_channels": 96, "duration_channels": 16})
    source = randomised(lambda: Synthesizer(config, num_symbols=60))
    theirs = {"_": 0, "^": 1, "$": 2, "ɹ": 3, "i": 4, "ʁ": 5, "y": 6}
    with torch.no_grad():
        source.text_encoder.embedding.weight[5:] *= 0.1
    synthesizer, discriminator = new_networks(config, num_symbols=60)
    report = WarmStart(voice_of(source, config, theirs)).give(
        synthesizer, discriminator, config, json.dumps(theirs), ()
    )
    here, there = synthesizer.text_encoder.embedding.weight, source.text_encoder.embedding.weight
    assert torch.equal(here[5], there[3])
    assert torch.equal(here[6], there[4])
    assert embedding_of(report) == "5 of 7 rows taken by name; new: ʁ as ɹ, y as i"
