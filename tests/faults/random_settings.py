"""Settings that nobody chose: each is refused in one sentence, or builds a trainer that makes two finite steps.

The values of a setting follow from its type in the schema, so a new setting is tried without a word here. Sizes are
small. The sections of an experiment are made to fit each other, and then some of its settings are replaced.
"""

import contextlib
import io
import math
import random
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from configs import DECODER_KINDS, Config, InputError, parse_config
from configs.decoders import DECODER_FAMILIES
from configs.section import Section
from data.corpus import Corpus
from tests.benchmarks.synthetic import random_clip
from tests.faults.fault import Outcome, fault
from text.symbols import SPECIAL_SYMBOLS, SymbolTable
from train import Trainer
from training.memory_check import check_memory

Tree = dict[str, dict[str, Any]]

_SIZES = (1, 1, 2, 2, 3, 4, 4, 5, 6, 8, 12, 16)
_FIRST_SEED = 20260101
_MOST_REPLACED = 4
_FASTEST = 0.1  # learning rate, with which every network here trains for two steps
_WELL = ("stepped", "refused", "diverged")
# What is no matter of a step, or what a step of less than a second cannot do.
_LEFT_ALONE = {
    *("run.dir", "run.device", "run.threads", "data.root", "data.cache", "data.metadata", "data.validation_metadata"),
    *("data.lexicon", "data.shards", "data.language", "train.execution", "decoder.kind", "train.batch_size"),
}


def random_tree(chance: random.Random) -> Tree:
    """The settings of an experiment, valid or not."""
    tree = _fitting(chance)
    for section, name, field in chance.sample(_fields(tree["decoder"]["kind"]), chance.randint(0, _MOST_REPLACED)):
        tree.setdefault(section, {})[name] = _value(field, chance)
    return tree


def outcome_of(tree: Tree, chance: random.Random) -> str:
    """`refused`, `stepped`, `diverged` as so fast a learning rate must, or what happened instead."""
    told = io.StringIO()
    try:
        config = parse_config(tree, source="settings")
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            trainer = Trainer(config, _corpus(config, chance))
            check_memory(trainer)
            numbers = _stepped(trainer)
    except InputError as error:
        return "refused" if "\n" not in str(error) else f"refused in several lines: {error}"
    except Exception as error:  # whatever it is, it is what is looked for
        return f"{type(error).__name__}: {error}"
    broken = [name for name, value in numbers.items() if not math.isfinite(value)]
    if broken and config.train.learning_rate > _FASTEST:
        return "diverged"  # with finite weights: `_stepped` has looked
    return f"not finite: {', '.join(broken)}" if broken else "stepped"


@fault(
    "random settings, built and stepped twice",
    goal="each refused in one sentence, or two finite steps",
    times=300,
    times_in_ci=12,
    slow=True,
)
def random_settings(times: int, folder: Path) -> Outcome:
    """Try so many experiments."""
    outcomes: list[str] = []
    failures = []
    for seed in range(_FIRST_SEED, _FIRST_SEED + times):
        chance = random.Random(seed)
        tree = random_tree(chance)
        outcomes.append(outcome_of(tree, chance))
        if outcomes[-1] not in _WELL:
            failures.append(f"seed {seed}: {outcomes[-1]}: {tree}")
    counts = ", ".join(f"{outcomes.count(each)} {each}" for each in _WELL)
    if outcomes.count("stepped") < times // 5:
        failures.append(f"only {counts}: the experiments are too wild to find anything")
    return Outcome(f"{counts}, {sum(each not in _WELL for each in outcomes)} broken", failures)


def _fitting(chance: random.Random) -> Tree:
    """Settings that fit together, nearly always."""
    kind = chance.choice(DECODER_KINDS)
    decoder: dict[str, Any] = {"kind": kind}
    if kind in ("vocos", "harmonic_noise"):
        hop = 2 * chance.randint(2, 8)
        decoder |= {"channels": chance.choice([4, 8]), "hidden_channels": 8, "layers": chance.choice([1, 2])}
        decoder |= {"istft_n_fft": hop * chance.choice([2, 4])}
    else:
        rates = [chance.choice([2, 2, 3, 4]) for _ in range(chance.randint(1, 3))]
        hop = math.prod(rates)
        kernels = [chance.choice([3, 5]) for _ in range(chance.randint(1, 2))]
        decoder |= {
            "initial_channels": 2 ** len(rates) * chance.choice([1, 2, 3]),
            "upsample_rates": rates,
            "upsample_kernel_sizes": [rate + 2 * chance.randint(0, 2) for rate in rates],
            "residual_block": chance.choice([1, 2]),
            "residual_kernel_sizes": kernels,
            "residual_dilations": [[chance.choice([1, 2, 3]) for _ in range(chance.randint(1, 2))] for _ in kernels],
        }
        if kind not in ("hifigan", "bigvgan"):
            istft_hop = chance.choice([2, 4])
            decoder |= {"istft_hop": istft_hop, "istft_n_fft": 4 * istft_hop}
            hop *= istft_hop * (1 if kind == "istftnet" else 4)
    n_fft = hop * (chance.choice([1, 3, 5]) if hop % 2 else chance.choice([1, 2, 3, 4]))
    segment_frames = chance.randint(n_fft // hop, n_fft // hop + 8)
    heads = chance.choice([1, 2])
    return {
        "run": {"dir": "run", "threads": 1, "device": "cpu", "seed": chance.randrange(2**31)},
        "data": {"root": "corpus", "bucket_frames": [segment_frames + 8, segment_frames + 30]},
        "audio": {
            "sample_rate": chance.choice([8000, 16000, 22050]),
            "n_fft": n_fft,
            "window_length": chance.choice([n_fft, max(1, n_fft // 2)]),
            "hop_length": hop,
            "mel_bands": chance.choice([1, 4, 8]),
        },
        "model": {
            "hidden_channels": 4 * heads,
            "latent_channels": chance.choice([2, 4, 6]),
            "filter_channels": 8,
            "attention_heads": heads,
            "text_layers": chance.choice([1, 2]),
            "posterior_layers": chance.choice([1, 2]),
            "coupling_layers": chance.choice([1, 2]),
            "coupling_wavenet_layers": 1,
            "duration_predictor": chance.choice(["stochastic", "deterministic"]),
            "duration_channels": 4,
            "duration_flows": chance.choice([1, 2]),
            "speaker_channels": 4,
        },
        "decoder": decoder,
        "discriminator": {"channel_divisor": 16, "periods": [2], "scales": chance.choice([0, 1, 2])},
        "train": {"segment_samples": hop * segment_frames, "batch_size": chance.randint(1, 4)},
    }


def _fields(kind: str) -> list[tuple[str, str, FieldInfo]]:
    """Section, name and description of every setting, those of the decoder for this kind."""
    family = next(each for each in DECODER_FAMILIES if kind in get_args(each.model_fields["kind"].annotation))
    return [
        (section, field.alias or name, field)
        for section, owner in Config.model_fields.items()
        for name, field in (family if section == "decoder" else owner.annotation).model_fields.items()  # type: ignore[union-attr]
        if f"{section}.{field.alias or name}" not in _LEFT_ALONE
    ]


def _value(field: FieldInfo, chance: random.Random) -> Any:
    annotation: Any = field.annotation
    return _of_type(Annotated[annotation, *field.metadata] if field.metadata else annotation, chance)


def _of_type(kind: Any, chance: random.Random) -> Any:
    """A value of a type, near its bounds and beyond them, too."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        bounds = [part for whole in kind.__metadata__ for part in getattr(whole, "metadata", [whole])]
        return chance.choice(_floats(bounds)) if arguments[0] is float else _of_type(arguments[0], chance)
    if origin in (Union, types.UnionType):
        return _of_type(chance.choice([each for each in arguments if each is not type(None)]), chance)
    if origin is Literal:
        return chance.choice(arguments)
    if origin is tuple and arguments[-1] is Ellipsis:
        return [_of_type(arguments[0], chance) for _ in range(chance.randint(0, 3))]
    if origin is tuple:
        return [_of_type(each, chance) for each in arguments]
    if origin is dict:
        return {"decoder": _of_type(arguments[1], chance)}
    if isinstance(kind, type) and issubclass(kind, Section):
        return {}
    values: dict[Any, Sequence[Any]] = {bool: (True, False), int: (*_SIZES, 0, -1, 64), float: _floats([]), str: ("x",)}
    return chance.choice(values[kind])


def _floats(bounds: Sequence[object]) -> list[float]:
    edges = [value for bound in bounds for value in _near(bound)]
    return [0.0, 1e-300, 1e-30, 1e-9, 0.001, 0.5, 0.999999999, 1.0, 3.0, 1e3, 1e9, 1e30, 1e300, math.inf, *edges]


def _near(bound: object) -> Iterator[float]:
    """The bound itself and what is next to it."""
    for kind, name in ((Ge, "ge"), (Gt, "gt"), (Le, "le"), (Lt, "lt")):
        if isinstance(bound, kind):
            edge = float(getattr(bound, name))
            yield from (edge, math.nextafter(edge, math.inf), math.nextafter(edge, -math.inf))


def _corpus(config: Config, chance: random.Random) -> Corpus:
    """A few short recordings of one speaker or of several."""
    generator = np.random.default_rng(chance.randrange(2**32))
    speakers = chance.choice([1, 1, 3])
    clips = [
        random_clip(
            f"clip-{place}", chance.randint(4, 40), config=config, speaker_id=place % speakers, generator=generator
        )
        for place in range(6)
    ]
    letters = {chr(0x1000 + place): place for place in range(len(SPECIAL_SYMBOLS), 178)}
    names = tuple(f"speaker {place}" for place in range(speakers)) if speakers > 1 else ()
    return Corpus(clips[:4], clips[4:], SymbolTable({**SPECIAL_SYMBOLS, **letters}), names, None, "random")


def _stepped(trainer: Trainer) -> dict[str, float]:
    """What two steps and a validation say."""
    numbers: dict[str, float] = {}
    with contextlib.closing(trainer.batches()) as batches:
        for step in range(2):
            report = trainer.run_step(next(batches))
            numbers |= {f"{name} of step {step + 1}": float(value) for name, value in report.scalars().items()}
            trainer.step += 1
    validated = trainer.validation.validate(trainer.ema.eval()).scalars
    trainer.refuse_broken_weights()
    return numbers | {f"validation/{name}": validated[name] for name in ("mel", "kl", "duration")}
