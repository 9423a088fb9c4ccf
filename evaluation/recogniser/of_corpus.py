"""The recogniser of a corpus: trained on its training clips once, then found in its cache."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from configs import Config, InputError
from data import spectrogram
from data.audio_file import FULL_SCALE
from data.clips import Clip
from data.corpus import Corpus
from data.prefetcher import clip_source
from data.preparation.cache import Cache, digest_of_code, key_of
from evaluation.recogniser import augmentation, error_rate, features, listening, network, stored, targets, training
from evaluation.recogniser.features import FRAMES_PER_SECOND, frames_of
from evaluation.recogniser.listening import Recogniser
from evaluation.recogniser.stored import load_stored, store
from evaluation.recogniser.targets import phonemes_of_ids
from evaluation.recogniser.training import Example, train

HEARD_HOURS = 18.0
_MOST_HOURS = 4.0  # of different speech that is held in memory: 460 MB as frames
_ASIDE = (0.05, 8, 32)  # training clips that choose the weights: this share, but at least and at most so many
_CODE = tuple(
    Path(str(module.__file__))
    for module in (augmentation, error_rate, features, listening, network, spectrogram, stored, targets, training)
)


def train_or_load(
    corpus: Corpus, config: Config, *, heard_hours: float = HEARD_HOURS, progress: bool | None = None
) -> Recogniser:
    """Give the recogniser of a corpus, which is trained the first time.

    It lies in `data.cache` under a key of the corpus, the seed, the rate, `heard_hours` and the code; a file there that
    is damaged or another's is not believed, and replaced. Two processes that want the same one train it once.

    Args:
        corpus: to learn from; its validation clips are not listened to.
        config: the experiment that it belongs to.
        heard_hours: of speech that it learns from, repetitions counted; the time that takes hardly depends on how much
            of it is different.
        progress: whether to show a bar; None shows one on a terminal when the work takes more than two seconds.

    Raises:
        InputError: fewer than two different sentences are spoken in the training clips, or the cache cannot be written.
    """
    key = key_of(
        *(corpus.fingerprint, config.run.seed, config.audio.sample_rate, heard_hours),
        *(digest_of_code(*_CODE), version("torch")),
    )
    path = Path(config.data.cache) / "recognisers" / f"{key}.safetensors"
    with Cache(config.data.cache).locked(key):
        found = load_stored(path, key)
        if found is None:
            aside, examples = _examples(corpus, config)
            found = train(examples, aside, heard_seconds=heard_hours * 3600, seed=config.run.seed, progress=progress)
            store(path, key, found)
    return found


def _examples(corpus: Corpus, config: Config) -> tuple[list[Example], list[Example]]:
    """Training clips set aside to choose the weights by, and those to learn from."""
    spoken: list[tuple[str, Example]] = []
    enough = _MOST_HOURS * 3600 * FRAMES_PER_SECOND
    source = clip_source(
        corpus.train,
        corpus.shards,
        hop_length=config.audio.hop_length,
        bounds=config.data.bucket_frames,
        batch_size=16,
        max_frames=None,
        seed=config.run.seed,
    )
    for clip in itertools.chain.from_iterable(source.batches(0)):
        example = example_of(clip, corpus, config.audio.sample_rate)
        if example.said and len(example.frames):
            spoken.append((clip.text, example))
            enough -= len(example.frames)
        if enough <= 0:
            break
    sentences = len({text for text, _ in spoken})
    if sentences < 2:
        raise InputError(
            f"{config.data.shards or config.data.root}: {sentences} different sentences are spoken in the training "
            "clips: a recogniser needs two, one to learn from and one to choose its weights by"
        )
    share, least, most = _ASIDE
    count = min(most, max(least, round(len(spoken) * share)), len(spoken) // 2)
    return set_aside(spoken, count)


def set_aside(spoken: Sequence[tuple[str, Example]], count: int) -> tuple[list[Example], list[Example]]:
    """About `count` examples, and the others; who learned a sentence from one take would know it in another.

    All takes of a sentence [text, example] go the same way. The sentences are those whose texts have the smallest
    SHA-256. There are two sentences at least.
    """
    takes = Counter(text for text, _ in spoken)
    aside: set[str] = set()
    for text in sorted(takes, key=lambda text: hashlib.sha256(text.encode()).digest())[:-1]:
        if sum(takes[one] for one in aside) >= count:
            break
        aside.add(text)
    return [one for text, one in spoken if text in aside], [one for text, one in spoken if text not in aside]


def example_of(clip: Clip, corpus: Corpus, sample_rate: int) -> Example:
    """A clip as a recogniser learns from it, or is tried on it."""
    audio = clip.audio.astype(np.float32) / np.float32(FULL_SCALE)
    return Example(frames_of(audio, sample_rate), phonemes_of_ids(clip.phoneme_ids, corpus.symbols))
