"""Experiments from disk: what is read, what the command line changes, and what is said about a mistake."""

import tomllib
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs import (
    DECODER_KINDS,
    ColumnSettings,
    InputError,
    VocosSettings,
    differences,
    dump_config,
    load_config,
    parse_config,
)

MINIMAL = '[run]\ndir = "runs/x"\n\n[data]\nroot = "corpus"\n'


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    path = tmp_path / "experiment.toml"
    path.write_text(MINIMAL, encoding="utf-8")
    return path


def refusal(path: Path, *overrides: str) -> str:
    """The one sentence that is said about an experiment."""
    with pytest.raises(InputError) as caught:
        load_config(path, overrides)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    assert "pydantic" not in sentence
    return sentence


def test_the_file_is_read_and_everything_else_is_a_default(experiment: Path) -> None:
    config = load_config(experiment)
    assert config.run.dir == "runs/x"
    assert config.data.root == "corpus"
    assert config == parse_config({"run": {"dir": "runs/x"}, "data": {"root": "corpus"}}, source="by hand")


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("train.batch_size=3", 3),
        ("train.batch_size = 3", 3),
        ("train.steps=100_000", 100_000),
        ("train.learning_rate=1e-3", 1e-3),
        ("train.learning_rate=1", 1.0),
        ("train.max_gradient_norm=inf", float("inf")),
        ("data.strict=true", True),
        ("data.language=nl", "nl"),
        ('data.language="nl"', "nl"),
        ("data.root=LJSpeech-1.1", "LJSpeech-1.1"),
        ("data.root=/somewhere/with spaces/LJSpeech-1.1", "/somewhere/with spaces/LJSpeech-1.1"),
        ("data.root=C:\\voices\\new", "C:\\voices\\new"),
        ("data.root=a=b", "a=b"),
        ("train.precision=bf16", "bf16"),
        ("data.bucket_frames=[100, 200,300]", (100, 200, 300)),
        ("data.characters_per_second=[4.0, 30.5]", (4.0, 30.5)),
        ("decoder.residual_dilations=[[1],[2],[3, 4]]", ((1,), (2,), (3, 4))),
    ],
)
def test_a_line_of_the_command_line_is_a_line_of_toml_or_a_bare_word(
    experiment: Path, override: str, value: object
) -> None:
    section, name = override.partition("=")[0].strip().split(".")
    found = getattr(getattr(load_config(experiment, [override]), section), name)
    assert found == value
    assert type(found) is type(value)


def test_the_command_line_wins_over_the_file_and_its_last_word_over_its_first(experiment: Path) -> None:
    experiment.write_text(MINIMAL + "[train]\nbatch_size = 7\n", encoding="utf-8")
    assert load_config(experiment).train.batch_size == 7
    config = load_config(experiment, ["train.batch_size=8", "train.batch_size=9", "run.dir=runs/y"])
    assert config.train.batch_size == 9
    assert config.run.dir == "runs/y"


@pytest.mark.parametrize("line", ["train.batch_size=auto", 'train.batch_size="auto"'])
def test_a_batch_size_that_is_left_open_is_a_number_only_when_it_is_settled(experiment: Path, line: str) -> None:
    config = load_config(experiment, [line])
    assert config.train.asked_batch_size == "auto"
    assert parse_config(tomllib.loads(dump_config(config)), source="again") == config
    with pytest.raises(ValueError, match="not been replaced by a number"):
        _ = config.train.batch_size
    settled = config.model_copy(update={"train": config.train.model_copy(update={"asked_batch_size": 3})})
    assert settled == load_config(experiment, ["train.batch_size=3"])
    assert "\nbatch_size = 3\n" in dump_config(settled)
    assert differences(config, settled) == ["train.batch_size: 'auto' -> 3"]


def test_a_wrong_batch_size_is_told_once_and_both_that_it_may_be(experiment: Path) -> None:
    sentence = refusal(experiment, "train.batch_size=many")
    assert sentence.endswith("train.batch_size = 'many': input should be a whole number above 0, or auto")
    assert "train.batch_size" in refusal(experiment, "train.asked_batch_size=3")


def test_a_byte_order_mark_is_no_mistake(experiment: Path) -> None:
    experiment.write_bytes(b"\xef\xbb\xbf" + MINIMAL.encode())
    assert load_config(experiment).data.root == "corpus"


@pytest.mark.parametrize(
    ("override", "key", "nearest"),
    [
        ("train.batchsize=3", "train.batchsize", "train.batch_size"),
        ("train.learning_rat=3", "train.learning_rat", "train.learning_rate"),
        ("trian.batch_size=3", "trian", "train"),
        ("model.batch_size=3", "model.batch_size", "train.batch_size"),
        ("train.sample_rate=3", "train.sample_rate", "audio.sample_rate"),
        ("model.mel=3", "model.mel", "loss.mel"),
        ("discriminater.scales=3", "discriminater", "discriminator"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(
    experiment: Path, override: str, key: str, nearest: str
) -> None:
    sentence = refusal(experiment, override)
    assert str(experiment) in sentence
    assert sentence.endswith(f"{key} is not a setting; the nearest one is {nearest}")


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("train.batch_size=1.5", "train.batch_size", "1.5"),
        ("train.batch_size=many", "train.batch_size", "many"),
        ('train.batch_size="3"', "train.batch_size", "'3'"),
        ("train.batch_size=true", "train.batch_size", "rue"),
        ("train.batch_size=0", "train.batch_size", "0"),
        ("audio.hop_length=2147483648", "audio.hop_length", "2147483648"),
        ("decoder.residual_dilations=[[1],[2],[2147483648]]", "decoder.residual_dilations.2.0", "2147483648"),
        ("train.batch_size=", "train.batch_size", "''"),
        ("run.seed=-1", "run.seed", "-1"),
        ("train.learning_rate=fast", "train.learning_rate", "fast"),
        ("train.learning_rate=nan", "train.learning_rate", "nan"),
        ("train.max_gradient_norm=nan", "train.max_gradient_norm", "nan"),
        ("train.learning_rate_decay=1.1", "train.learning_rate_decay", "1.1"),
        ("train.ema_decay=1.0", "train.ema_decay", "1.0"),
        ("loss.mel=-1", "loss.mel", "-1"),
        ("loss.mel=inf", "loss.mel", "inf"),
        ("train.precision=fp8", "train.precision", "fp8"),
        ("decoder.kind=wavenet", "decoder.kind", "wavenet"),
        ("decoder.upsample_rates=8", "decoder.upsample_rates", "8"),
        ("decoder.upsample_rates=[]", "decoder.upsample_rates", "[]"),
        ("decoder.upsample_rates=[8.0, 8]", "decoder.upsample_rates.0", "8.0"),
        ("data.strict=yes", "data.strict", "yes"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_itself(
    experiment: Path, override: str, key: str, value: str
) -> None:
    sentence = refusal(experiment, override)
    assert str(experiment) in sentence
    assert f"{key} = " in sentence
    assert value in sentence


@pytest.mark.parametrize(
    "override",
    ["train.batch_size", "batch_size=3", "=3", "train.=3", ".batch_size=3", "", "train batch_size"],
)
def test_a_malformed_override_is_quoted_with_an_example_of_a_right_one(experiment: Path, override: str) -> None:
    sentence = refusal(experiment, override)
    assert repr(override) in sentence
    assert "section.key=value" in sentence
    assert "train.batch_size=32" in sentence


def test_an_override_below_something_that_is_no_section_is_refused(experiment: Path) -> None:
    experiment.write_text("train = 3\n" + MINIMAL, encoding="utf-8")
    assert "train is not a section" in refusal(experiment, "train.steps=4")
    assert "train = 3" in refusal(experiment)


@pytest.mark.parametrize(
    ("text", "key", "example"),
    [
        ('[run]\ndir = "runs/x"\n', "data", "data.root=LJSpeech-1.1"),
        ('[run]\ndir = "runs/x"\n[data]\nlanguage = "nl"\n', "data.root", "data.root=LJSpeech-1.1"),
        ('[data]\nroot = "corpus"\n', "run", "run.dir=runs/NAME"),
        ('[data]\nroot = "corpus"\n[run]\n', "run.dir", "run.dir=runs/NAME"),
    ],
)
def test_what_must_be_given_and_is_not_is_named_with_an_example(
    experiment: Path, text: str, key: str, example: str
) -> None:
    experiment.write_text(text, encoding="utf-8")
    sentence = refusal(experiment)
    assert f"{key} is not set" in sentence
    assert example in sentence


def test_what_is_missing_in_the_file_may_come_from_the_command_line(experiment: Path) -> None:
    experiment.write_text("", encoding="utf-8")
    config = load_config(experiment, ["data.root=LJSpeech-1.1", "run.dir=runs/NAME"])
    assert (config.data.root, config.run.dir) == ("LJSpeech-1.1", "runs/NAME")


def test_every_mistake_of_a_file_is_named_at_once(experiment: Path) -> None:
    sentence = refusal(experiment, "train.batchsize=3", "train.steps=no", "audio.n_fft=-1")
    assert "train.batchsize" in sentence
    assert "train.steps" in sentence
    assert "audio.n_fft" in sentence


def test_a_file_that_is_not_toml_is_refused_with_the_place(experiment: Path) -> None:
    experiment.write_text("[run]\ndir = runs/x\n", encoding="utf-8")
    sentence = refusal(experiment)
    assert f"{experiment}: is not TOML" in sentence
    assert "line 2" in sentence


def test_a_file_that_is_not_there_or_not_text_is_refused_by_its_name(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.toml") == f"{tmp_path / 'none.toml'}: there is no such settings file"
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    assert str(binary) in refusal(binary)
    assert str(tmp_path) in refusal(tmp_path)


PRINTABLE = st.text(min_size=1, max_size=20)
TREES = st.fixed_dictionaries(
    {
        "run": st.fixed_dictionaries({"dir": PRINTABLE, "seed": st.integers(0, 2**63 - 1)}),
        "data": st.fixed_dictionaries(
            {"root": PRINTABLE, "bucket_frames": st.sets(st.integers(32, 5000), min_size=1).map(sorted)},
            optional={"validation_metadata": PRINTABLE, "strict": st.booleans()},
        ),
        "audio": st.fixed_dictionaries({}, optional={"fmax_hz": st.floats(100.0, 11025.0)}),
        "train": st.fixed_dictionaries(
            {"learning_rate": st.floats(0, 1, exclude_min=True), "max_gradient_norm": st.floats(0, exclude_min=True)},
            optional={"epochs": st.integers(1, 10**6), "precision": st.sampled_from(["auto", "bf16", "fp16", "fp32"])},
        ),
        "loss": st.fixed_dictionaries({"mel": st.floats(0, 1e9)}),
    }
)


@settings(max_examples=60, deadline=None)
@given(tree=TREES)
def test_what_is_written_reads_back_as_the_same_settings(tree: dict[str, dict[str, object]]) -> None:
    config = parse_config(tree, source="tree")
    again = parse_config(tomllib.loads(dump_config(config)), source="dump")
    assert again == config
    assert dump_config(again) == dump_config(config)
    assert differences(config, again) == []


def test_differences_name_each_key_with_its_old_and_its_new_value(experiment: Path) -> None:
    old = load_config(experiment)
    new = load_config(experiment, ["train.steps=5", "audio.fmax_hz=8000.0", "run.dir=elsewhere"])
    assert differences(old, new) == [
        "run.dir: 'runs/x' -> 'elsewhere'",
        "audio.fmax_hz: None -> 8000.0",
        "train.steps: 800000 -> 5",
    ]
    assert differences(old, new, ignore=["train.steps", "run.dir"]) == ["audio.fmax_hz: None -> 8000.0"]
    assert differences(new, old, ignore=iter(["train.steps", "run.dir"])) == ["audio.fmax_hz: 8000.0 -> None"]
    assert differences(old, old) == []


def test_another_family_of_decoders_is_a_difference_of_its_name_and_of_what_both_have(experiment: Path) -> None:
    old = load_config(experiment, ["decoder.kind=istftnet"])
    new = load_config(experiment, ["decoder.kind=vocos"])
    assert differences(old, new) == ["decoder.kind: 'istftnet' -> 'vocos'", "decoder.istft_n_fft: 16 -> 1024"]


def test_another_decoder_starts_from_its_own_defaults_and_the_same_one_keeps_what_the_file_says(tmp_path: Path) -> None:
    file = tmp_path / "experiment.toml"
    for kind in ("", 'kind = "hifigan"\n'):
        file.write_text(f'[run]\ndir = "runs/x"\n[data]\nroot = "corpus"\n[decoder]\n{kind}initial_channels = 64\n')
        for overrides in ([], ["decoder.kind=hifigan"], ["decoder.residual_block=2"]):
            assert load_config(file, overrides).decoder.initial_channels == 64  # type: ignore[union-attr]
        for overrides in (["decoder.kind=vocos", "decoder.layers=3"], ["decoder.layers=3", "decoder.kind=vocos"]):
            assert load_config(file, overrides).decoder == VocosSettings(layers=3)
    file.write_text(file.read_text().replace('kind = "hifigan"', 'kind = "mb-istft"'))
    for kind in ("mb-istft", "ms-istft"):  # one family
        decoder = load_config(file, [f"decoder.kind={kind}"]).decoder
        assert (decoder.kind, decoder.initial_channels) == (kind, 64)  # type: ignore[union-attr]


def test_the_multi_band_decoder_alone_is_trained_with_the_sub_band_loss_of_its_paper(experiment: Path) -> None:
    def weight(*overrides: str) -> float:
        return load_config(experiment, overrides).loss.subband_stft

    kinds = {kind: weight(f"decoder.kind={kind}") for kind in DECODER_KINDS}
    assert kinds == {kind: float(kind == "mb-istft") for kind in DECODER_KINDS}
    assert weight() == 0
    assert weight("decoder.kind=mb-istft", "loss.mel=40.0") == 1
    assert [weight("decoder.kind=mb-istft", f"loss.subband_stft={given}") for given in (0, 0.0, 2.5)] == [0, 0, 2.5]
    assert weight("decoder.kind=ms-istft", "loss.subband_stft=1") == 1

    # What a run has resolved says the number, and keeps it: one that was begun without the loss goes on without.
    resolved = dump_config(load_config(experiment, ["decoder.kind=mb-istft"]))
    assert "\nsubband_stft = 1.0\n" in resolved
    for number in (1.0, 0.0):
        tree = tomllib.loads(resolved.replace("subband_stft = 1.0", f"subband_stft = {number}"))
        assert parse_config(tree, source="a checkpoint").loss.subband_stft == number


def test_the_decoder_that_predicts_a_pitch_is_trained_with_its_loss_and_no_other_may_be(experiment: Path) -> None:
    for kind in DECODER_KINDS:
        predicts = kind == "harmonic_noise"
        assert load_config(experiment, [f"decoder.kind={kind}"]).loss.pitch == (100 if predicts else 0)
        if not predicts:
            refused = refusal(experiment, f"decoder.kind={kind}", "loss.pitch=2")
            assert (
                f"loss.pitch = 2 compares the pitch that the decoder predicts, and decoder.kind = '{kind}'" in refused
            )
    assert load_config(experiment, ["decoder.kind=harmonic_noise", "loss.pitch=0"]).loss.pitch == 0


def test_the_default_of_a_decoder_hides_no_mistake(experiment: Path) -> None:
    assert "decoder.kind = '[3]'" in refusal(experiment, "decoder.kind=[3]")
    assert "loss.mel = -1" in refusal(experiment, "decoder.kind=mb-istft", "loss.mel=-1")
    experiment.write_text("loss = 3\n" + MINIMAL, encoding="utf-8")
    assert "loss = 3" in refusal(experiment, "decoder.kind=mb-istft")


def test_a_key_of_another_decoder_is_told_with_those_that_have_it() -> None:
    with pytest.raises(InputError, match=r"decoder\.layers is not a setting of this decoder\.kind, but of vocos"):
        load_config(None, ["run.dir=runs/x", "data.root=corpus", "decoder.layers=3"])
    with pytest.raises(
        InputError, match=r"decoder\.upsample_rates is not .* but of hifigan, bigvgan, istftnet, mb-istft"
    ):
        load_config(None, ["run.dir=runs/x", "data.root=corpus", "decoder.kind=vocos", "decoder.upsample_rates=[4]"])


def test_columns_are_given_as_a_table_or_one_by_one_and_a_number_is_a_column() -> None:
    given = ["run.dir=x", "data.root=y"]
    table = load_config(None, [*given, 'data.columns={file = "path", text = 3}'])
    one_by_one = load_config(None, [*given, "data.columns.file=path", "data.columns.text=3"])
    assert table.data.columns == one_by_one.data.columns == ColumnSettings(file="path", text="3")
    assert parse_config(tomllib.loads(dump_config(table)), "itself") == table


def test_one_column_on_the_command_line_leaves_the_others_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[run]\ndir = "x"\n[data]\nroot = "y"\ncolumns = {file = "path", text = "a"}\n')
    config = load_config(tmp_path / "a.toml", ["data.columns.text=b"])
    assert config.data.columns == ColumnSettings(file="path", text="b")


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("data.columns.txt=3", r"data\.columns\.txt is not a setting"),
        ("data.columns=3", r"data\.columns = 3"),
        ("data.columns.text=1.5", r"data\.columns\.text = 1\.5: input should be a valid string"),
        ("data.root.x=1", r"data\.root = \{'x': 1\}"),
        ("data.columns.text.x=1", r"data\.columns\.text = \{'x': 1\}"),
    ],
)
def test_columns_that_cannot_be_are_refused_in_a_sentence(override: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        load_config(None, ["run.dir=x", *["data.root=y"] * ("root" not in override), override])


def test_a_tilde_at_the_front_of_a_folder_is_the_home_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    config = load_config(None, ["run.dir=~/runs/a", "data.root=~", "data.cache=~ann/b", "data.lexicon=c/~/d"])
    assert (config.run.dir, config.data.root) == ("/home/ann/runs/a", "/home/ann")
    assert (config.data.cache, config.data.lexicon) == ("~ann/b", "c/~/d")


def test_a_withdrawn_setting_is_still_read_and_is_told_only_where_it_was_on(experiment: Path) -> None:
    plain = load_config(experiment)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_config(experiment, ["train.channels_last=false"]) == plain
    with pytest.warns(
        UserWarning, match=r"experiment\.toml: train\.channels_last is no longer a setting .*leave it out"
    ):
        assert load_config(experiment, ["train.channels_last=true"]) == plain
    assert "channels_last" not in dump_config(plain)
