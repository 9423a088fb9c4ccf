"""Opening the corpus of an experiment: from its shards, or from its recordings, which are prepared first."""

from collections.abc import Sequence

from configs import AudioSettings, DataSettings
from data.corpus import Corpus, load_corpus
from data.preparation import prepare
from data.prepare import encodable, prepare_verbosely
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
        data: the corpus.
        audio: sample rate and spectrograms of the voice.
        verbose: whether to print the report and the split.
        symbols: symbol table of an existing voice.
        speakers: speakers of an existing voice, by id.
        fingerprint: of the corpus of a run that is resumed, as in `load_corpus`.

    Raises:
        InputError: it cannot be used.
    """
    if data.shards is not None:
        corpus = open_shards(data.shards, data, audio, symbols=symbols, speakers=speakers)
    else:
        prepared = prepare_verbosely if verbose else prepare
        corpus = load_corpus(prepared(data, audio, symbols=symbols), speakers=speakers, fingerprint=fingerprint)
    if verbose:
        print(encodable("\n".join(corpus.split)))
    return corpus
