"""The corpus of an experiment, opened: from its shards, or from its recordings, which are looked at first."""

from collections.abc import Sequence

from configs import AudioSettings, DataSettings
from data.corpus import Corpus, load_corpus
from data.preparation import prepare
from data.prepare import encodable, prepare_and_tell
from data.shards import open_shards
from text import SymbolTable


def open_corpus(
    data: DataSettings,
    audio: AudioSettings,
    *,
    verbose: bool,
    symbols: SymbolTable | None = None,
    speakers: Sequence[str] | None = None,
    fingerprint: str | None = None,
) -> Corpus:
    """Open the corpus of an experiment.

    Args:
        data: where it is, and how it is read.
        audio: what the voice sounds like.
        verbose: whether to print what was found in the recordings, and what is set aside for validation.
        symbols: the alphabet of a voice that exists already.
        speakers: the speakers of a voice that exists already, by id.
        fingerprint: of the corpus of a run that goes on, as in `load_corpus`.

    Raises:
        InputError: it cannot be used.
    """
    if data.shards is not None:
        corpus = open_shards(data.shards, data, audio, symbols=symbols, speakers=speakers)
    else:
        look = prepare_and_tell if verbose else prepare
        corpus = load_corpus(look(data, audio, symbols=symbols), speakers=speakers, fingerprint=fingerprint)
    if verbose:
        print(encodable("\n".join(corpus.split)))
    return corpus
