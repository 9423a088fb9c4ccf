"""Give a voice that was exported the posterior encoder that training needs."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from tqdm import tqdm

from configs import InputError
from text import SymbolTable
from training.recover.command_line import MINUTES, STEPS
from training.recover.learning import recover
from training.recover.own_speech import LEAST_FRAMES, MOST_FRAMES, Utterance, own_speech
from voices.importing.assembly import Imported
from voices.importing.report import Fate, TensorLine
from voices.voice_file import VoiceFile, synthesizer_of

_SEED = 1234


def with_posterior_encoder(
    imported: Imported,
    texts: Iterable[Sequence[int]],
    *,
    minutes: float = MINUTES,
    most_steps: int = STEPS,
    progress: Callable[[], object] = lambda: None,
) -> Imported:
    """The voice with a posterior encoder that is recovered from its own speech.

    Args:
        imported: a voice without one.
        texts: ids of its symbols, a sentence each.
        minutes: of speech; where the texts are fewer, they are said more than once.
        most_steps: updates of the encoder, at most.
        progress: called now and then.

    Raises:
        InputError: it can say none of the texts.
    """
    voice = imported.voice
    utterances = _speech(voice, list(texts), minutes, progress)
    with tqdm(total=most_steps, unit="step", desc="posterior encoder", disable=None) as bar:

        def report(step: int, likelihood: float) -> None:
            bar.update(step - bar.n)
            progress()
            bar.set_postfix_str(f"held-out {likelihood:.3f} nats per dimension")

        recovery = recover(
            voice.synthesizer, voice.config, utterances, most_steps=most_steps, seed=_SEED, report=report
        )
    told = (
        f"the posterior encoder was recovered from {_minutes(voice, utterances):.1f} minutes of the voice's own speech "
        f"in {recovery.steps} steps: negative log-likelihood {recovery.likelihoods[-1]:.3f} nats per dimension"
    )
    weights = voice.synthesizer.state_dict() | recovery.weights
    synthesizer = synthesizer_of(voice.config, weights, num_speakers=max(1, len(voice.speakers)))
    lines = [TensorLine(name, Fate.NEW, tuple(weight.shape), "recovered") for name, weight in recovery.weights.items()]
    return replace(
        imported,
        voice=replace(voice, synthesizer=synthesizer),
        report=replace(imported.report, lines=(*imported.report.lines, *lines)).with_notes([told]),
    )


def in_symbols_of(voice: VoiceFile, symbols: SymbolTable, texts: Iterable[Sequence[int]]) -> Iterator[list[int]]:
    """Texts in the ids of another symbol table, in those of the voice; symbols that it does not know are left out."""
    theirs = json.loads(voice.symbols)
    mapping = {index: theirs[symbol] for symbol, index in symbols.ids.items() if symbol in theirs}
    for ids in dict.fromkeys(map(tuple, texts)):
        yield [mapping[index] for index in ids if index in mapping]


def _speech(
    voice: VoiceFile, texts: Sequence[Sequence[int]], minutes: float, progress: Callable[[], object] = lambda: None
) -> list[Utterance]:
    utterances: list[Utterance] = []
    with tqdm(total=round(minutes, 1), unit="min", desc="speech of the voice", disable=None) as bar:
        for repetition in itertools.count():
            before = len(utterances)
            for utterance in own_speech(
                voice.synthesizer, texts, seed=_SEED + repetition, speakers=max(1, len(voice.speakers))
            ):
                utterances.append(utterance)
                progress()
                bar.update(round(_minutes(voice, utterances) - bar.n, 2))
                if _minutes(voice, utterances) >= minutes:
                    return utterances
            if len(utterances) == before:
                break
    raise InputError(
        f"the voice can say none of the {len(texts)} texts in {LEAST_FRAMES} to {MOST_FRAMES} frames, and its "
        "posterior encoder is recovered from what it says: give texts of its language, of a sentence each"
    )


def _minutes(voice: VoiceFile, utterances: Iterable[Utterance]) -> float:
    return sum(len(one.audio) for one in utterances) / voice.config.audio.sample_rate / 60
