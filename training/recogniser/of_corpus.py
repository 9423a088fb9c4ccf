"""The recogniser of a corpus: trained once on its training clips, then loaded from the cache."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from configs import Config, InputError
from data import spectrogram
from data.clips import Clip
from data.corpus import Corpus
from data.prefetcher import clip_source
from data.preparation.cache import Cache, digest_of_code, key_of
from models import recogniser as network
from training.recogniser import error_rate, examples, recogniser, training
from training.recogniser.examples import FRAMES_PER_SECOND, Example
from training.recogniser.recogniser import Recogniser, load_stored, store
from training.recogniser.training import train

TRAINED_HOURS = 18.0
_MOST_HOURS = 4.0  # of different speech in memory: 460 MB as frames
_ASIDE = (0.05, 8, 32)  # share of the training clips that chooses the weights, but at least and at most so many
_CODE = tuple(
    Path(str(module.__file__)) for module in (error_rate, examples, network, recogniser, spectrogram, training)
)


def train_or_load(corpus: Corpus, config: Config, *, trained_hours: float = TRAINED_HOURS) -> Recogniser:
    """Load the recogniser of a corpus, or train it the first time.

    It is in `data.cache` under a key of the corpus, the seed, the rate, `trained_hours` and the code; a damaged file is
    replaced. Two processes that need the same one train it once.

    Args:
        corpus: to train on; its validation clips are not used.
        config: the experiment of the corpus.
        trained_hours: of speech to train on, repetitions counted.

    Raises:
        InputError: fewer than two different sentences are spoken in the training clips, or the cache cannot be written.
    """
    key = key_of(
        *(corpus.fingerprint, config.run.seed, config.audio.sample_rate, trained_hours),
        *(digest_of_code(*_CODE), version("torch")),
    )
    path = Path(config.data.cache) / "recognisers" / f"{key}.safetensors"
    with Cache(config.data.cache).locked(key):
        found = load_stored(path, key)
        if found is None:
            aside, training_examples = _examples(corpus, config)
            found = train(training_examples, aside, trained_seconds=trained_hours * 3600, seed=config.run.seed)
            store(path, key, found)
    return found


def _examples(corpus: Corpus, config: Config) -> tuple[list[Example], list[Example]]:
    """The examples set aside to choose the weights by, and those to train on."""
    spoken: list[tuple[str, Example]] = []
    enough = _MOST_HOURS * 3600 * FRAMES_PER_SECOND
    for clip in training_clips(corpus, config):
        example = Example.of(clip, corpus.symbols, config.audio.sample_rate)
        if example.said and len(example.frames):
            spoken.append((clip.text, example))
            enough -= len(example.frames)
        if enough <= 0:
            break
    sentences = len({text for text, _ in spoken})
    if sentences < 2:
        raise InputError(
            f"{config.data.shards or config.data.root}: {sentences} different sentences are spoken in the training "
            "clips: a recogniser needs two, one to train on and one to choose its weights by"
        )
    share, least, most = _ASIDE
    count = min(most, max(least, round(len(spoken) * share)), len(spoken) // 2)
    return set_aside(spoken, count)


def training_clips(corpus: Corpus, config: Config) -> Iterator[Clip]:
    """The training clips once, in an order of the seed's, wherever they are kept."""
    source = clip_source(
        corpus.train,
        corpus.shards,
        hop_length=config.audio.hop_length,
        bounds=config.data.bucket_frames,
        batch_size=16,
        max_frames=None,
        seed=config.run.seed,
    )
    return itertools.chain.from_iterable(source.batches(0))


def set_aside(spoken: Sequence[tuple[str, Example]], count: int) -> tuple[list[Example], list[Example]]:
    """Split examples, with their texts, into about `count` and the others, so that no text is in both.

    The texts with the smallest SHA-256 are set aside. There are at least two texts.
    """
    takes = Counter(text for text, _ in spoken)
    aside: set[str] = set()
    for text in sorted(takes, key=lambda text: hashlib.sha256(text.encode()).digest())[:-1]:
        if sum(takes[one] for one in aside) >= count:
            break
        aside.add(text)
    return [one for text, one in spoken if text in aside], [one for text, one in spoken if text not in aside]
