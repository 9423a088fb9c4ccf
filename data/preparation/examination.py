"""Examination of one row of a corpus: its text, its audio, and whether the two match."""

from dataclasses import dataclass
from pathlib import Path

from configs import AudioSettings, DataSettings, InputError
from configs.errors import in_one_line
from data.faults import Action, Fault, FaultKind, RowFault
from data.inspection.signal_level import SignalMetrics
from data.preparation.prepared_audio import AudioFacts, PreparedAudio
from data.recording import Recording
from text import Encoded, Lexicon, SymbolTable, TextFrontEnd
from text.markup import plain_text, shown

_MOST_CHARACTERS = 200  # of an exception


@dataclass(frozen=True, slots=True)
class PreparedClip:
    """A recording that can be trained on; its audio is in the cache."""

    recording: Recording
    speech: str  # its symbols, one character each: phonemes or letters
    audio_key: str  # of its cache entry
    audio_digest: str  # SHA-256 of the prepared samples, whatever the format of the file
    samples: int  # at the voice's sample rate
    metrics: SignalMetrics
    note: str = ""  # why the target level was not reached


@dataclass(frozen=True, slots=True)
class Examined:
    """The result of an examination."""

    clip: PreparedClip | None  # None if the row is dropped
    faults: tuple[RowFault, ...]


class Examiner:
    """Examines rows, one at a time.

    Args:
        data: the text front end, and the limits of what is accepted.
        audio: sample rate and hop length of the voice.
        symbols: symbol table of the voice.
        lexicon: pronunciations of the corpus's own words.

    Raises:
        InputError: the language cannot be used.
    """

    def __init__(
        self, data: DataSettings, audio: AudioSettings, symbols: SymbolTable, lexicon: Lexicon | None = None
    ) -> None:
        self.data, self.audio, self.lexicon = data, audio, lexicon
        self.prepared_audio = PreparedAudio(data, audio)
        self.front_end = TextFrontEnd(kind=data.front_end, language=data.language, symbols=symbols, lexicon=lexicon)

    def examine(self, recording: Recording) -> Examined:
        """Examine one row. No content makes this fail; whatever is wrong with it is in the faults.

        Raises:
            InputError: the cache cannot be written.
        """
        try:
            key, facts = self.prepared_audio.facts(recording.audio_path)
        except InputError:
            raise
        except OSError as error:
            return self._dropped(recording, Fault(FaultKind.MISSING_FILE, f"cannot be read: {error.strerror}"))
        except Exception as error:
            return self.unexamined(recording, _described(error))
        try:
            return self._examine(recording, key, facts)
        except Exception as error:
            return self.unexamined(recording, _described(error))

    def unexamined(self, recording: Recording, why: str) -> Examined:
        """The result for a row whose examination itself failed."""
        detail = f"{why}: correct its text or its recording, or remove it"
        return self._dropped(recording, Fault(FaultKind.UNEXAMINED, detail))

    def _dropped(self, recording: Recording, fault: Fault) -> Examined:
        return Examined(None, (self._row_fault(recording, fault),))

    def _examine(self, recording: Recording, key: str, facts: AudioFacts) -> Examined:
        encoded = self.front_end.utterance(recording.text)
        faults = [*facts.faults, *self._text_faults(recording.text, encoded)]
        if facts.samples and encoded.sounds:
            faults += self._rate_faults(plain_text(recording.text)[0], len(encoded.ids), facts.samples)
        clip = None
        if all(fault.action is not Action.DROPPED for fault in faults):
            assert facts.metrics is not None, "only a dropped recording has no metrics"
            clip = PreparedClip(
                recording=recording,
                speech="".join(encoded.symbols),
                audio_key=key,
                audio_digest=facts.digest,
                samples=facts.samples,
                metrics=facts.metrics,
                note=facts.note,
            )
        return Examined(clip, tuple(self._row_fault(recording, fault) for fault in faults))

    def _text_faults(self, text: str, encoded: Encoded) -> list[Fault]:
        faults = []
        if encoded.unknown:
            left_out = ", ".join(dict.fromkeys(map(_shown, encoded.unknown)))
            faults.append(Fault(FaultKind.UNKNOWN_SYMBOLS, f"left out: {left_out}", Action.KEPT))
        if markup := plain_text(text)[1]:
            faults.append(Fault(FaultKind.MARKUP, f"not spoken, or decoded: {shown(markup)}", Action.REPAIRED))
        if not encoded.sounds:
            faults.append(Fault(FaultKind.EMPTY_TEXT, f"nothing in {text!r} can be spoken"))
        return faults

    def _rate_faults(self, text: str, ids: int, samples: int) -> list[Fault]:
        """Whether the speaking rate is possible, and monotonic alignment has a frame for each phoneme id."""
        slowest, fastest = self.data.characters_per_second
        rate = len(text) / (samples / self.audio.sample_rate)
        frames = samples // self.audio.hop_length
        if not slowest <= rate <= fastest:
            detail = f"{rate:.1f}, not within {slowest:g} to {fastest:g}: text and recording do not belong together"
        elif frames < ids:
            detail = f"{rate:.1f}: {frames} frames are too few for {ids} ids, each of which needs one"
        else:
            return []
        return [Fault(FaultKind.CHARACTER_RATE, detail)]

    def _row_fault(self, recording: Recording, fault: Fault) -> RowFault:
        path, root = recording.audio_path, Path(self.data.root)
        file = path.relative_to(root) if path.is_relative_to(root) else path
        return RowFault.of(fault, id=recording.id, file=str(file), line=recording.line)


def _described(error: Exception) -> str:
    """An exception in one line."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    return in_one_line(error)[:_MOST_CHARACTERS]


def _shown(symbol: str) -> str:
    code = " ".join(f"U+{ord(character):04X}" for character in symbol)
    return f"{symbol} ({code})" if symbol.isprintable() else code
