"""Give a voice what it lacks to be trained on: a posterior encoder, and another decoder where one is asked for."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from tqdm import tqdm

from configs import Config, DecoderSettings, InputError
from models.synthesizer import Synthesizer
from text import SymbolTable
from training.recover.command_line import MINUTES, STEPS
from training.recover.decoder import learn_decoder
from training.recover.learning import Learned
from training.recover.own_speech import LEAST_FRAMES, MOST_FRAMES, Utterance, own_speech
from training.recover.posterior_encoder import learn_posterior_encoder
from voices.importing.assembly import Imported
from voices.importing.report import Fate, TensorLine
from voices.voice_file import VoiceFile, synthesizer_of

_SEED = 1234
_LEARN = {"posterior_encoder": learn_posterior_encoder, "decoder": learn_decoder}
_LOSS = {
    "posterior_encoder": "negative log-likelihood {:.3f} nats per dimension",
    "decoder": "mel and pitch distance {:.3f}",
}


def with_recovered_parts(
    imported: Imported,
    texts: Iterable[Sequence[int]],
    *,
    decoder: DecoderSettings | None = None,
    minutes: float = MINUTES,
    most_steps: int = STEPS,
    progress: Callable[[], object] = lambda: None,
) -> Imported:
    """The voice with parts that are learned from its own speech: a posterior encoder, if it has none, and a decoder.

    Args:
        imported: a voice.
        texts: ids of its symbols, a sentence each.
        decoder: of the decoder that it is to have; None leaves it its own.
        minutes: of speech; where the texts are fewer, they are said more than once.
        most_steps: updates of each part, at most.
        progress: called now and then.

    Raises:
        InputError: it can say none of the texts, or too few.
    """
    voice = imported.voice
    config = voice.config if decoder is None else voice.config.model_copy(update={"decoder": decoder})
    parts = [] if voice.has_posterior_encoder else ["posterior_encoder"]
    parts += [] if decoder is None else ["decoder"]
    utterances = _speech(voice, list(texts), minutes, progress)
    fresh = _fresh(config, voice.synthesizer)
    notes = [_learn(part, fresh, replace(voice, config=config), utterances, most_steps, progress) for part in parts]
    of_parts = tuple(f"{part}." for part in parts)
    learned = {name: weight for name, weight in fresh.folded_state_dict().items() if name.startswith(of_parts)}
    kept = {name: weight for name, weight in voice.synthesizer.state_dict().items() if not name.startswith(of_parts)}
    lines = [line for line in imported.report.lines if line.part not in parts]
    lines += [TensorLine(name, Fate.NEW, tuple(weight.shape), "recovered") for name, weight in learned.items()]
    return replace(
        imported,
        voice=replace(
            voice,
            config=config,
            synthesizer=synthesizer_of(config, kept | learned, num_speakers=max(1, len(voice.speakers))),
            norms={name: norm for name, norm in voice.norms.items() if not name.startswith(of_parts)},
        ),
        report=replace(imported.report, lines=tuple(lines)).with_notes(notes),
        discriminators=imported.discriminators if decoder is None else None,  # they knew another decoder
    )


def in_symbols_of(voice: VoiceFile, symbols: SymbolTable, texts: Iterable[Sequence[int]]) -> Iterator[list[int]]:
    """Texts in the ids of another symbol table, in those of the voice; symbols that it does not know are left out."""
    theirs = json.loads(voice.symbols)
    mapping = {index: theirs[symbol] for symbol, index in symbols.ids.items() if symbol in theirs}
    for ids in dict.fromkeys(map(tuple, texts)):
        yield [mapping[index] for index in ids if index in mapping]


def _fresh(config: Config, like: Synthesizer) -> Synthesizer:
    """One of random weights, of which the parts that learn are used."""
    speakers = 1 if like.speakers is None else like.speakers.num_embeddings
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        return Synthesizer(config, num_symbols=1, num_speakers=speakers).train()


def _learn(
    part: str,
    fresh: Synthesizer,
    voice: VoiceFile,
    utterances: Sequence[Utterance],
    most_steps: int,
    progress: Callable[[], object],
) -> str:
    """Let a part of a new synthesizer learn; a note of how it did."""
    title = part.replace("_", " ")
    with tqdm(total=most_steps, unit="step", desc=title, disable=None) as bar:

        def told(step: int, loss: float) -> None:
            bar.update(step - bar.n)
            progress()
            bar.set_postfix_str("held-out " + _LOSS[part].format(loss))

        learned: Learned = _LEARN[part](
            fresh.get_submodule(part),
            voice.synthesizer,
            voice.config,
            utterances,
            most_steps=most_steps,
            seed=_SEED,
            progress=told,
        )
    return (
        f"the {title} was recovered from {_minutes(voice, utterances):.1f} minutes of the voice's own speech in "
        f"{learned.steps} steps: {_LOSS[part].format(learned.held_out[-1])}"
    )


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
        f"the voice can say none of the {len(texts)} texts in {LEAST_FRAMES} to {MOST_FRAMES} frames, and what it "
        "lacks is recovered from what it says: give texts of its language, of a sentence each"
    )


def _minutes(voice: VoiceFile, utterances: Iterable[Utterance]) -> float:
    return sum(len(one.audio) for one in utterances) / voice.config.audio.sample_rate / 60
