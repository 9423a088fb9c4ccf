"""Speak with a voice: `python infer.py runs/ljspeech "Hello." -o hello.wav`, or `Voice.load(path).speak("Hello.")`."""

from configs.command_line import check_arguments
from speaking.command_line import read_arguments, read_text, speak_options, timestamps_file

if __name__ == "__main__":  # before the slow imports
    check_arguments(read_arguments)

import argparse
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from configs import InputError, command
from configs.errors import refusing_os_errors
from data.audio_file import read_audio, to_float
from data.audio_writer import AudioWriter
from speaking.engine import (
    Audio,
    Engine,
    Silence,
    SpeechSegment,
    SpokenSentence,
    check_durations,
)
from speaking.options import ResolvedOptions, SpeakOptions, choose_engine, find_speaker
from speaking.outputs import Output, open_output, write_segments
from speaking.timestamps import SpokenWord, TimedSpeech, Timeline, WordFinder, write_timestamps
from text import Encoded
from text.markup import plain_text, shown
from text.ssml import Break, TextPiece, parse_ssml
from voices.export import needing_onnx
from voices.parts import VoiceParts, front_end_of
from voices.shipped import voice_path

if TYPE_CHECKING:
    from speaking.batch import BatchText, SpeakLine


class Voice:
    """A voice, ready to synthesize speech.

    Args:
        parts: settings, symbol table, speakers and lexicon.
        engine: predicts durations and decodes audio.
    """

    def __init__(self, parts: VoiceParts, engine: Engine[Any]) -> None:
        self.config, self.speakers, self.engine = parts.config, parts.speakers, engine
        self.sample_rate = parts.config.audio.sample_rate
        self.front_end = front_end_of(parts)

    @classmethod
    def load(
        cls, path: str | Path, device: str = "auto", *, engine: str = "auto", threads: int | None = None
    ) -> "Voice":
        """Load a voice.

        Args:
            path: a run folder, a voice.safetensors, the name of a shipped voice, an .onnx with its .json, or a
                checkpoint of the original VITS, of Piper or of a Hugging Face VitsModel.
            device: cpu, cuda, cuda:1, mps; auto is cuda if available, else cpu.
            engine: torch, or onnx for an .onnx in ONNX Runtime, on the CPU and without torch; auto is onnx for an .onnx
                and torch for all else.
            threads: number of CPU threads; None leaves it to the library.

        Raises:
            InputError: there is no voice at `path`, it is damaged, there is no such device, or the engine cannot run
                it there.
        """
        path = voice_path(path)
        if choose_engine(engine, path, device) == "onnx":
            with needing_onnx():
                from speaking.onnx_engine import OnnxEngine
            return cls(*OnnxEngine.load(path, threads=threads))
        from speaking.torch_engine import TorchEngine

        return cls(*TorchEngine.load(path, device, threads=threads))

    def speak(self, text: str, **options: Unpack[SpeakOptions]) -> Audio:
        """Synthesize a text of any length.

        Args:
            text: `[[...]]` holds phonemes.
            options: see `SpeakOptions`.

        Returns:
            [S] in [-1, 1] at `self.sample_rate`.

        Raises:
            InputError: the text has nothing to speak, there is no such speaker, a number is out of range, or the
                predicted durations are absurd.
        """
        return np.concatenate([segment.whole() for segment in self.say(text, **options)])

    def stream(self, text: str, **options: Unpack[SpeakOptions]) -> Iterator[Audio]:
        """The same audio in chunks, each as soon as it is decoded; memory does not grow with the text.

        In ONNX Runtime, chunks are whole sentences where the graph is not our export, of 8 bits or of an older version.
        Arguments and errors as `speak`.
        """
        return (chunk for segment in self.say(text, **options) for chunk in segment.chunks())

    def speak_timed(self, text: str, **options: Unpack[SpeakOptions]) -> TimedSpeech:
        """The same audio with the timestamps of its words and phonemes. Arguments and errors as `speak`."""
        timeline = Timeline(self.sample_rate)
        audio = [segment.whole() for segment in timeline.record(self.say(text, **options))]
        return TimedSpeech(np.concatenate(audio), timeline.timestamps)

    def say(self, text: str, **options: Unpack[SpeakOptions]) -> Iterator[SpeechSegment]:
        """The sentences and silences of a text, in order, each rendered when it is asked for.

        `speak` and `stream` are made of it. Options are checked at once. Arguments and errors as `speak`.
        """
        resolved = ResolvedOptions.resolve(self.config.speaking, **options)
        pieces = self.pieces(text, ssml=resolved.ssml)
        resolved.check_silence(sum(piece.seconds for piece in pieces if isinstance(piece, Break)))
        return self._segments(pieces, resolved, self.speaker_index(resolved.speaker))

    def render(self, encoded: Encoded, speaker: int | None, *, text: str, seed: int | None = None) -> SpokenSentence:
        """Render one encoded sentence with the defaults of the voice.

        Args:
            encoded: what `front_end.utterance` returned.
            speaker: what `speaker_index` returned.
            text: of the sentence, for messages.
            seed: of the noise.

        Raises:
            InputError: the predicted durations are absurd.
        """
        options = ResolvedOptions.resolve(self.config.speaking, seed=seed)
        words = (SpokenWord(text, 0, len(encoded.symbols), from_text=True),)
        return self._render(encoded, lambda: words, options, speaker, self.engine.generator(seed))

    def pieces(self, text: str, *, ssml: bool = False) -> list[TextPiece | Break]:
        """The texts and breaks of an SSML document; a plain text is one piece."""
        return parse_ssml(text, language=self.config.data.language) if ssml else [TextPiece(text, 1.0)]

    def speaker_index(self, speaker: str | int | None) -> int | None:
        """The id of a speaker, as `find_speaker` finds it, with a warning if it is not an exact name.

        Returns:
            The id, 0 for None; None if the voice has one speaker.

        Raises:
            InputError: there is no such speaker.
        """
        index, note = (0, "") if speaker is None else find_speaker(speaker, self.speakers)
        if note:
            warnings.warn(note, stacklevel=3)
        return index if len(self.speakers) > 1 else None

    def convert(self, audio: Audio, *, speaker: str | int, target: str | int) -> Audio:
        """Voice conversion between speakers of this voice (VITS, appendix D).

        Args:
            audio: [S] in [-1, 1] at `self.sample_rate`.
            speaker: of the recording.
            target: speaker of the result.

        Returns:
            [S], as long as the recording up to one frame.

        Raises:
            InputError: the voice has one speaker or no posterior encoder, there is no such speaker, or the recording is
                too short.
        """
        if len(self.speakers) < 2:
            raise InputError("this voice has one speaker only: there is nobody to convert to")
        source, heard = self.speaker_index(speaker), self.speaker_index(target)
        return self.engine.convert(audio, self.config.audio, source or 0, heard or 0)

    def _segments(
        self, pieces: Iterable[TextPiece | Break], options: ResolvedOptions, speaker: int | None
    ) -> Iterator[SpeechSegment]:
        generator = self.engine.generator(options.seed)
        silence, spoken = 0.0, False  # seconds before the next sentence; whether there has been one
        piece: TextPiece | Break | None = None
        for piece in pieces:
            if isinstance(piece, Break):
                silence = piece.seconds
                continue
            for encoded, words in self._sentences(piece.text):
                if silence:
                    yield Silence(round(silence * self.sample_rate))
                yield self._render(encoded, words, options.with_rate(piece.speed), speaker, generator)
                silence, spoken = options.pause_seconds, True
        if not spoken:
            raise InputError("there is nothing to speak: give a text with letters that this voice knows")
        if isinstance(piece, Break):
            yield Silence(round(silence * self.sample_rate))

    def _sentences(self, text: str) -> Iterator[tuple[Encoded, Callable[[], Sequence[SpokenWord]]]]:
        """The sentences of a text, each with a function that returns its words."""
        if markup := plain_text(text)[1]:
            warnings.warn(f"the text has markup that is not spoken: {shown(markup)}", stacklevel=4)
        for portion in self.front_end.portions(text):
            unknown = sorted({symbol for sentence in portion.sentences for symbol in sentence.unknown})
            if unknown:
                warnings.warn(f"this voice does not know {' '.join(unknown)} and speaks without", stacklevel=4)
            words = WordFinder(portion, self.front_end.phonemise)
            for place, sentence in enumerate(portion.sentences):
                yield sentence, partial(words.of_sentence, place)

    def _render(
        self,
        encoded: Encoded,
        words: Callable[[], Sequence[SpokenWord]],
        options: ResolvedOptions,
        speaker: int | None,
        generator: Any,
    ) -> SpokenSentence:
        """Predict and check the durations of one sentence, and prepare its decoding."""
        noise_scale, duration_noise_scale = options.noise_scales(encoded.sounds)
        check = partial(
            check_durations,
            symbols=len(encoded.symbols),
            frame_seconds=1 / self.config.audio.frames_per_second,
            speed=options.speed,
            text=lambda: " ".join(word.text for word in words()),
        )
        rendering = self.engine.render(
            encoded.ids,
            speaker,
            check=check,
            noise_scale=noise_scale,
            duration_noise_scale=duration_noise_scale,
            speed=options.speed,
            generator=generator,
        )
        return SpokenSentence(**vars(rendering), encoded=encoded, words=words)


@command
def main() -> int:
    """The command line of infer.py."""
    arguments = read_arguments()
    voice = Voice.load(arguments.voice, arguments.device, engine=arguments.engine)
    if arguments.source is not None:
        return _convert(voice, arguments)
    if arguments.speaker is not None:  # replaced by the exact name, so that find_speaker warns once
        index = voice.speaker_index(arguments.speaker)
        arguments.speaker = None if index is None else voice.speakers[index]
    if arguments.batch is not None:
        return _speak_batch(voice, arguments)
    text = read_text(arguments.text, arguments.file)
    if arguments.phonemes:
        for piece in voice.pieces(text, ssml=speak_options(arguments, text)["ssml"]):
            for portion in voice.front_end.portions(piece.text) if isinstance(piece, TextPiece) else ():
                print(*("".join(sentence.symbols) for sentence in portion.sentences), sep="\n")
        return 0
    _report(*_speak(voice, text, arguments))
    return 0


def _report(output: Output, seconds: float) -> None:
    if isinstance(output, AudioWriter):
        print(f"{output.path}: {seconds:.2f} s at {output.rate_hz} Hz")


def _speak(voice: Voice, text: str, arguments: argparse.Namespace) -> tuple[Output, float]:
    """Synthesize a text to the output that the arguments ask for; returns that, and the seconds of audio."""
    segments = voice.say(text, **speak_options(arguments, text))
    if arguments.batch is None and sys.stderr.isatty():
        from tqdm import tqdm  # for people only

        segments = iter(tqdm(segments, unit="piece", delay=2, leave=False))
    times, timeline = timestamps_file(arguments), Timeline(voice.sample_rate)
    output = open_output(arguments, voice.sample_rate)
    samples = write_segments(segments if times is None else timeline.record(segments), output, stream=arguments.stream)
    if times is not None:
        write_timestamps(times, timeline.timestamps)
    return output, samples / voice.sample_rate


def _convert(voice: Voice, arguments: argparse.Namespace) -> int:
    recording = to_float(read_audio(arguments.source, sample_rate=voice.sample_rate))
    audio = voice.convert(recording, speaker=arguments.source_speaker, target=arguments.speaker)
    with open_output(arguments, voice.sample_rate) as output:
        output.write(audio)
    _report(output, len(audio) / voice.sample_rate)
    return 0


def _speak_batch(voice: Voice, arguments: argparse.Namespace) -> int:
    from speaking.batch import cores, read_batch_file, speak_and_report  # multiprocessing takes 10 ms

    options = speak_options(arguments, "")
    options["ssml"] = False
    voice.say("", **options)  # a mistake in the options is reported once, and not for every line
    lines = read_batch_file(arguments.batch)
    with refusing_os_errors(f"{arguments.out_dir}: cannot be made", "choose another folder"):
        arguments.out_dir.mkdir(parents=True, exist_ok=True)
    done = speak_and_report(
        lines,
        partial(_line_speaker, arguments),
        source=arguments.batch,
        jobs=arguments.jobs or cores(),
        preload=[type(voice.engine).__module__],
    )
    return 0 if done else 2


def _line_speaker(arguments: argparse.Namespace) -> "SpeakLine":
    """In a process of a batch: load the voice; returns the function that synthesizes a line."""
    voice = Voice.load(arguments.voice, arguments.device, engine=arguments.engine, threads=1)

    def speak_line(line: "BatchText") -> float:
        arguments.output = arguments.out_dir / f"{line.name}.{arguments.format or 'wav'}"
        return _speak(voice, line.text, arguments)[1]

    return speak_line


if __name__ == "__main__":
    sys.exit(main())
