"""Speak with a voice: `python infer.py runs/ljspeech "Hello." -o hello.wav`, or `Voice.load(path).speak("Hello.")`."""

from configs.command_line import check_arguments
from speaking.command_line import how_asked, read_arguments, read_text, timestamps_file

if __name__ == "__main__":  # before the slow imports
    check_arguments(read_arguments)

import argparse
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from tqdm import tqdm

from configs import InputError, command
from data.audio_file import FULL_SCALE, read_audio
from data.audio_writer import AudioWriter
from speaking.batch import Line, SpeakLine, cores, read_lines, speak_and_tell
from speaking.durations import check_durations
from speaking.engine import Audio, Engine, VoiceParts
from speaking.manner import How, Manner
from speaking.outlets import Outlet, open_outlet, send
from speaking.speaker import find_speaker
from speaking.timestamps import TimedSpeech, Timeline, write_timestamps
from speaking.utterance import Said, Silence, Utterance
from speaking.words import SpokenWord, WordFinder
from text import Encoded, Lexicon, SymbolTable, TextFrontEnd
from text.markup import plain_text, shown
from text.ssml import Break, Utter, parse_ssml
from voices.export import needing_onnx


class Voice:
    """A voice, ready to speak.

    Args:
        parts: its settings, its symbols as their JSON, its speakers and its lexicon.
        engine: makes its sound.
    """

    def __init__(self, parts: VoiceParts, engine: Engine[Any]) -> None:
        self.config, self.speakers, self.engine = parts.config, parts.speakers, engine
        self.sample_rate = parts.config.audio.sample_rate
        data = parts.config.data
        self.front_end = TextFrontEnd(
            kind=data.front_end,
            language=data.language,
            symbols=SymbolTable.from_json(parts.symbols),
            lexicon=Lexicon.from_json(parts.lexicon) if parts.lexicon is not None else None,
        )

    @classmethod
    def load(cls, path: str | Path, device: str = "auto", *, threads: int | None = None) -> "Voice":
        """Load a voice: a run folder, a voice.safetensors, an .onnx with its .json, or what another program trained.

        An .onnx computes on the CPU, and torch is not imported for it. What others trained is a checkpoint of the
        original VITS, one of Piper, or a Hugging Face VitsModel.

        Args:
            path: of the voice.
            device: cpu, cuda, cuda:1, mps; auto is cuda where there is one, else cpu.
            threads: of the processor to compute with; None is as many as the library wants.

        Raises:
            InputError: there is no voice there, it is damaged, or there is no such device.
        """
        path = Path(path)
        if not path.exists():
            raise InputError(f"{path}: there is no such file or folder")
        if path.suffix == ".onnx":
            with needing_onnx():
                from speaking.onnx_engine import OnnxEngine
            return cls(*OnnxEngine.load(path, threads=threads))
        from speaking.torch_engine import TorchEngine

        return cls(*TorchEngine.load(path, device, threads=threads))

    def speak(self, text: str, **how: Unpack[How]) -> Audio:
        """Speak a text of any length.

        Args:
            text: what to say; `[[...]]` holds phonemes.
            how: see `How`.

        Returns:
            [S] in [-1, 1] at `self.sample_rate`.

        Raises:
            InputError: there is nothing to speak, no such speaker, a number is out of its range, or the voice would
                take absurdly long.
        """
        return np.concatenate([said.whole() for said in self.say(text, **how)])

    def stream(self, text: str, **how: Unpack[How]) -> Iterator[Audio]:
        """The same audio in chunks, each as soon as it is decoded, in memory that does not grow with the text.

        An .onnx voice, whose graph cannot stop half-way, gives a sentence at a time. Arguments and errors as `speak`.
        """
        return (chunk for said in self.say(text, **how) for chunk in said.chunks())

    def speak_timed(self, text: str, **how: Unpack[How]) -> TimedSpeech:
        """The same audio, and when each word and phoneme is heard. Arguments and errors as `speak`."""
        timeline = Timeline(self.sample_rate)
        audio = [said.whole() for said in timeline.noting(self.say(text, **how))]
        return TimedSpeech(np.concatenate(audio), timeline.timestamps)

    def say(self, text: str, **how: Unpack[How]) -> Iterator[Said]:
        """What is heard of a text, sentence by sentence and silence by silence: `speak` and `stream` are made of it.

        Nothing is read or decoded before it is asked for, but for the arguments. Arguments and errors as `speak`.
        """
        manner = Manner.chosen(self.config.speaking, **how)
        pieces = self.pieces(text, ssml=manner.ssml)
        manner.check_silence(sum(piece.seconds for piece in pieces if isinstance(piece, Break)))
        return self._say(pieces, manner, self.speaker_index(manner.speaker))

    def render(self, encoded: Encoded, speaker: int | None, *, text: str, seed: int | None = None) -> Utterance:
        """Render one encoded sentence with the voice's own settings, ready to be decoded.

        Args:
            encoded: what `front_end.utterance` returned.
            speaker: what `speaker_index` returned.
            text: of the sentence, for messages.
            seed: makes the noise repeatable.

        Raises:
            InputError: the voice would take absurdly long.
        """
        manner = Manner.chosen(self.config.speaking, seed=seed)
        words = (SpokenWord(text, 0, len(encoded.symbols), from_text=True),)
        return self._utterance(encoded, lambda: words, manner, speaker, self.engine.generator(manner.seed))

    def pieces(self, text: str, *, ssml: bool = False) -> list[Utter | Break]:
        """The parts of an SSML document, or the whole of any other text."""
        return parse_ssml(text, language=self.config.data.language) if ssml else [Utter(text, 1.0)]

    def speaker_index(self, speaker: str | int | None) -> int | None:
        """The id of a speaker, as `find_speaker` finds it: what is not an exact name is told in a warning.

        Returns:
            The id; the first one for None. None where the voice has one speaker only.

        Raises:
            InputError: there is no such speaker.
        """
        index, note = (0, "") if speaker is None else find_speaker(speaker, self.speakers)
        if note:
            warnings.warn(note, stacklevel=3)
        return index if len(self.speakers) > 1 else None

    def convert(self, audio: Audio, *, speaker: str | int, target: str | int) -> Audio:
        """Let another speaker of this voice say a recording (VITS, appendix D).

        Args:
            audio: [S] in [-1, 1] at `self.sample_rate`.
            speaker: who speaks in it.
            target: who shall be heard.

        Returns:
            [S], as long as the recording up to one frame.

        Raises:
            InputError: the voice has one speaker only or is an .onnx, there is no such speaker, or the recording is
                too short.
        """
        if len(self.speakers) < 2:
            raise InputError("this voice has one speaker only: there is nobody to convert to")
        source, heard = self.speaker_index(speaker), self.speaker_index(target)
        return self.engine.convert(audio, self.config.audio, source or 0, heard or 0)

    def _say(self, pieces: Iterable[Utter | Break], manner: Manner, speaker: int | None) -> Iterator[Said]:
        generator = self.engine.generator(manner.seed)
        silence, spoken = 0.0, False  # seconds before the next sentence; whether there has been one
        piece: Utter | Break | None = None
        for piece in pieces:
            if isinstance(piece, Break):
                silence = piece.seconds
                continue
            for encoded, words in self._sentences(piece.text):
                if silence:
                    yield Silence(round(silence * self.sample_rate))
                yield self._utterance(encoded, words, manner.faster(piece.speed), speaker, generator)
                silence, spoken = manner.pause_seconds, True
        if not spoken:
            raise InputError("there is nothing to speak: give a text with letters that this voice knows")
        if isinstance(piece, Break):
            yield Silence(round(silence * self.sample_rate))

    def _sentences(self, text: str) -> Iterator[tuple[Encoded, Callable[[], Sequence[SpokenWord]]]]:
        """Each sentence, with what finds its words."""
        if markup := plain_text(text)[1]:
            warnings.warn(f"the text has markup that is not spoken: {shown(markup)}", stacklevel=4)
        for portion in self.front_end.portions(text):
            unknown = sorted({symbol for sentence in portion.sentences for symbol in sentence.unknown})
            if unknown:
                warnings.warn(f"this voice does not know {' '.join(unknown)} and speaks without", stacklevel=4)
            words = WordFinder(portion, self.front_end.phonemise)
            for place, sentence in enumerate(portion.sentences):
                yield sentence, partial(words.of_sentence, place)

    def _utterance(
        self,
        encoded: Encoded,
        words: Callable[[], Sequence[SpokenWord]],
        manner: Manner,
        speaker: int | None,
        generator: Any,
    ) -> Utterance:
        noise_scale, duration_noise_scale = manner.noise_scales(encoded)
        check = partial(
            check_durations,
            symbols=len(encoded.symbols),
            frame_seconds=1 / self.config.audio.frames_per_second,
            speed=manner.speed,
            text=lambda: " ".join(word.text for word in words()),
        )
        rendering = self.engine.render(
            encoded.ids,
            speaker,
            check=check,
            noise_scale=noise_scale,
            duration_noise_scale=duration_noise_scale,
            speed=manner.speed,
            generator=generator,
        )
        return Utterance(encoded, words, rendering)


@command
def main() -> int:
    """Speak from the command line."""
    arguments = read_arguments()
    voice = Voice.load(arguments.voice, arguments.device)
    if arguments.source is not None:
        return _convert(voice, arguments)
    if arguments.speaker is not None:  # by its own name from here on, so that who was taken is told once
        index = voice.speaker_index(arguments.speaker)
        arguments.speaker = None if index is None else voice.speakers[index]
    if arguments.batch is not None:
        return _speak_batch(voice, arguments)
    text = read_text(arguments.text, arguments.file)
    if arguments.phonemes:
        for piece in voice.pieces(text, ssml=how_asked(arguments, text)["ssml"]):
            for portion in voice.front_end.portions(piece.text) if isinstance(piece, Utter) else ():
                print(*("".join(sentence.symbols) for sentence in portion.sentences), sep="\n")
        return 0
    _tell(*_speak(voice, text, arguments))
    return 0


def _tell(outlet: Outlet, seconds: float) -> None:
    if isinstance(outlet, AudioWriter):
        print(f"{outlet.path}: {seconds:.2f} s at {outlet.rate_hz} Hz")


def _speak(voice: Voice, text: str, arguments: argparse.Namespace) -> tuple[Outlet, float]:
    """Speak to where the arguments say; returns it, and the seconds of audio."""
    said = voice.say(text, **how_asked(arguments, text))
    if arguments.batch is None:
        said = iter(tqdm(said, unit="piece", delay=2, disable=None, leave=False))
    times, timeline = timestamps_file(arguments), Timeline(voice.sample_rate)
    outlet = open_outlet(arguments, voice.sample_rate)
    samples = send(said if times is None else timeline.noting(said), outlet, stream=arguments.stream)
    if times is not None:
        write_timestamps(times, timeline.timestamps)
    return outlet, samples / voice.sample_rate


def _convert(voice: Voice, arguments: argparse.Namespace) -> int:
    recording = read_audio(arguments.source, sample_rate=voice.sample_rate).astype(np.float32) / np.float32(FULL_SCALE)
    audio = voice.convert(recording, speaker=arguments.source_speaker, target=arguments.speaker)
    with open_outlet(arguments, voice.sample_rate) as outlet:
        outlet.write(audio)
    _tell(outlet, len(audio) / voice.sample_rate)
    return 0


def _speak_batch(voice: Voice, arguments: argparse.Namespace) -> int:
    asked = how_asked(arguments, "")
    asked["ssml"] = False
    voice.say("", **asked)  # a mistake in the arguments is told once, and not for every line
    lines = read_lines(arguments.batch)
    try:
        arguments.out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{arguments.out_dir}: cannot be made ({error.strerror}): choose another folder") from error
    done = speak_and_tell(
        lines,
        partial(_line_speaker, arguments),
        source=arguments.batch,
        jobs=arguments.jobs or cores(),
        preload=[type(voice.engine).__module__],
    )
    return 0 if done else 2


def _line_speaker(arguments: argparse.Namespace) -> SpeakLine:
    """In a process of a batch: load the voice, and be ready to speak lines."""
    voice = Voice.load(arguments.voice, arguments.device, threads=1)

    def speak_line(line: Line) -> float:
        arguments.output = arguments.out_dir / f"{line.name}.{arguments.format or 'wav'}"
        return _speak(voice, line.text, arguments)[1]

    return speak_line


if __name__ == "__main__":
    sys.exit(main())
