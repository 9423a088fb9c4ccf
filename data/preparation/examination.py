"""One row of a corpus looked at: what is said, what is heard, whether they belong together, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs import AudioSettings, DataSettings, InputError
from data.findings import Action, Fault, Finding
from data.inspection.measures import Measures
from data.preparation.prepared_audio import PreparedAudio
from data.recording import Recording
from text import Encoded, Lexicon, SymbolTable, TextFrontEnd
from text.front_end import is_speakable
from text.markup import plain_text, shown

_MOST_CHARACTERS = 200  # of an exception


@dataclass(frozen=True, slots=True)
class PreparedClip:
    """A row that can be trained on."""

    recording: Recording
    speech: str  # its symbols, one character each: phonemes or letters
    audio_key: str  # its entry in the cache
    audio_digest: str  # SHA-256 of its samples as they are trained on, whatever the format of the file
    samples: int  # at the voice's sample rate
    measures: Measures
    note: str = ""  # what the level or the trimming that was asked for could not do


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of a row."""

    clip: PreparedClip | None  # None where the row is dropped
    findings: tuple[Finding, ...]


class Examiner:
    """Looks at rows, one at a time.

    Args:
        data: how texts are read and which recordings are believed.
        audio: sample rate and frame length of the voice.
        symbols: alphabet of the voice.
        lexicon: words that are spoken in a way of their own.

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
        """Look at one row. Nothing that it holds makes this fail; what is wrong with it is in the findings.

        Raises:
            InputError: the cache cannot be written.
        """
        try:
            key, facts = self.prepared_audio.facts(recording.audio_path)
        except InputError:
            raise
        except OSError as error:
            unreadable = (Fault.MISSING_FILE, f"cannot be read: {error.strerror}", Action.DROPPED)
            return Examined(None, (self._finding(recording, *unreadable),))
        except Exception as error:
            return self.unexamined(recording, _described(error))
        try:
            return self._examine(recording, key, facts)
        except Exception as error:
            return self.unexamined(recording, _described(error))

    def unexamined(self, recording: Recording, why: str) -> Examined:
        """What becomes of a row at which the examination itself failed."""
        detail = f"{why}: correct its text or its recording, or remove it"
        return Examined(None, (self._finding(recording, Fault.UNEXAMINED, detail, Action.DROPPED),))

    def _examine(self, recording: Recording, key: str, facts: Mapping[str, Any]) -> Examined:
        encoded = self.front_end.utterance(recording.text)
        faults = [(Fault(name), str(detail), Action(action)) for name, detail, action in facts["faults"]]
        faults += self._text_faults(recording.text, encoded)
        if facts["samples"] and is_speakable(encoded):
            faults += self._pace_faults(plain_text(recording.text)[0], len(encoded.ids), facts["samples"])
        clip = None
        if all(action != Action.DROPPED for _, _, action in faults):
            measures = Measures(**facts["measures"])
            clip = PreparedClip(
                recording=recording,
                speech="".join(encoded.symbols),
                audio_key=key,
                audio_digest=facts["digest"],
                samples=facts["samples"],
                measures=measures,
                note=facts["note"],
            )
        return Examined(clip, tuple(self._finding(recording, *fault) for fault in faults))

    def _text_faults(self, text: str, encoded: Encoded) -> list[tuple[Fault, str, Action]]:
        faults = []
        if encoded.unknown:
            left_out = ", ".join(dict.fromkeys(map(_shown, encoded.unknown)))
            faults.append((Fault.UNKNOWN_SYMBOLS, f"left out: {left_out}", Action.KEPT))
        if markup := plain_text(text)[1]:
            faults.append((Fault.MARKUP, f"not spoken, or decoded: {shown(markup)}", Action.REPAIRED))
        if not is_speakable(encoded):
            faults.append((Fault.EMPTY_TEXT, f"nothing in {text!r} can be spoken", Action.DROPPED))
        return faults

    def _pace_faults(self, text: str, ids: int, samples: int) -> list[tuple[Fault, str, Action]]:
        """Whether as much is said as can be said in this time."""
        slowest, fastest = self.data.characters_per_second
        pace = len(text) / (samples / self.audio.sample_rate)
        frames = samples // self.audio.hop_length
        if not slowest <= pace <= fastest:
            detail = f"{pace:.1f}, not within {slowest:g} to {fastest:g}: text and recording do not belong together"
        elif frames < ids:
            detail = f"{pace:.1f}: {frames} frames are too few for {ids} ids, each of which needs one"
        else:
            return []
        return [(Fault.CHARACTER_RATE, detail, Action.DROPPED)]

    def _finding(self, recording: Recording, fault: Fault, detail: str, action: Action) -> Finding:
        path, root = recording.audio_path, Path(self.data.root)
        file = path.relative_to(root) if path.is_relative_to(root) else path
        return Finding(recording.id, str(file), recording.line, fault, detail, action)


def _described(error: Exception) -> str:
    """An exception in one line."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    words = " ".join(str(error).split())[:_MOST_CHARACTERS]
    return words if isinstance(error, InputError) else f"{type(error).__name__}: {words}".rstrip(": ")


def _shown(symbol: str) -> str:
    code = " ".join(f"U+{ord(character):04X}" for character in symbol)
    return f"{symbol} ({code})" if symbol.isprintable() else code
