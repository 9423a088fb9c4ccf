"""Speak with a voice: `python infer.py runs/ljspeech "Hello." -o hello.wav`, or `Voice.load(path).speak("Hello.")`."""

import argparse
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from configs import InputError, command
from data.audio_file import FULL_SCALE, read_audio, write_wav
from data.spectrogram import LinearSpectrogram
from data.text import Encoded, Lexicon, SymbolTable, TextFrontEnd
from models.device import choose_device
from models.voice_file import VoiceFile, load_voice


class Voice:
    """A trained voice, ready to speak.

    Args:
        file: what a voice file holds.
        device: where to compute.
    """

    def __init__(self, file: VoiceFile, device: torch.device) -> None:
        self.config, self.speakers, self.device = file.config, file.speakers, device
        self.synthesizer = file.synthesizer.to(device)
        self.sample_rate = file.config.audio.sample_rate
        data = file.config.data
        self.front_end = TextFrontEnd(
            kind=data.front_end,
            language=data.language,
            symbols=SymbolTable.from_json(file.symbols),
            lexicon=Lexicon.from_json(file.lexicon) if file.lexicon is not None else None,
        )

    @classmethod
    def load(cls, path: str | Path, device: str = "auto") -> "Voice":
        """Load a voice from a run folder or a voice file.

        Raises:
            InputError: there is no voice there, it is damaged, or there is no such device.
        """
        path = Path(path)
        if path.is_dir():
            if not (path / "voice.safetensors").exists():
                raise InputError(
                    f"{path} holds no voice yet: train.py writes {path / 'voice.safetensors'} when it first saves"
                )
            path = path / "voice.safetensors"
        elif not path.exists():
            raise InputError(f"{path}: there is no such run folder or voice file")
        return cls(load_voice(path), choose_device(device))

    def speak(
        self,
        text: str,
        *,
        speaker: str | None = None,
        speed: float | None = None,
        noise_scale: float | None = None,
        duration_noise_scale: float | None = None,
        pause_seconds: float | None = None,
        seed: int | None = None,
    ) -> NDArray[np.float32]:
        """Speak a text of any length.

        Args:
            text: what to say; `[[...]]` holds phonemes.
            speaker: a name of `self.speakers`; None takes the first.
            speed: speaking rate, 2 is twice as fast.
            noise_scale: standard deviation of the prior's noise; 0 says a text the same way each time.
            duration_noise_scale: standard deviation of the rhythm's noise.
            pause_seconds: silence between sentences.
            seed: makes the noise repeatable.
            None for any of these takes what the voice itself prefers.

        Returns:
            [S] in [-1, 1] at `self.sample_rate`.

        Raises:
            InputError: there is nothing to speak, or no such speaker.
        """
        pause_seconds = self.config.speaking.pause_seconds if pause_seconds is None else pause_seconds
        pause_seconds = _within("pause", pause_seconds, 0, 60)
        pause = np.zeros(round(pause_seconds * self.sample_rate), dtype=np.float32)
        pieces: list[NDArray[np.float32]] = []
        for sentence in self.sentences(
            text,
            speaker=speaker,
            speed=speed,
            noise_scale=noise_scale,
            duration_noise_scale=duration_noise_scale,
            seed=seed,
        ):
            pieces += [pause, sentence] if pieces else [sentence]
        return np.concatenate(pieces)

    def sentences(
        self,
        text: str,
        *,
        speaker: str | None = None,
        speed: float | None = None,
        noise_scale: float | None = None,
        duration_noise_scale: float | None = None,
        seed: int | None = None,
    ) -> Iterator[NDArray[np.float32]]:
        """Speak a text sentence by sentence, each [S] as soon as it is made; arguments as for `speak`."""
        speaking = self.config.speaking
        speed = _within("speed", speaking.speed if speed is None else speed, 0.05, 20)
        noise_scale = _within("noise scale", speaking.noise_scale if noise_scale is None else noise_scale, 0, 10)
        duration_noise_scale = _within(
            "duration noise scale",
            speaking.duration_noise_scale if duration_noise_scale is None else duration_noise_scale,
            0,
            10,
        )
        speaker_ids = self._speaker_ids(speaker)
        encoded = self._encode(text)
        generator = torch.Generator()
        if seed is None:
            generator.seed()
        else:
            generator.manual_seed(int(_within("seed", seed, 0, 2**63 - 1)))
        for sentence in tqdm(encoded, unit="sentence", delay=2, disable=None, leave=False):
            speech = self.synthesizer.speak(
                torch.tensor([sentence.ids], device=self.device),
                torch.tensor([len(sentence.ids)], device=self.device),
                speaker_ids,
                noise_scale=noise_scale,
                duration_noise_scale=duration_noise_scale,
                speed=speed,
                generator=generator,
            )
            yield speech.audio[0, 0].cpu().numpy()

    def convert(self, audio: NDArray[np.float32], *, speaker: str, target: str) -> NDArray[np.float32]:
        """Let another speaker of this voice say a recording (VITS, appendix D).

        Args:
            audio: [S] in [-1, 1] at `self.sample_rate`.
            speaker: who speaks in it.
            target: who shall be heard.

        Returns:
            [S], as long as the recording up to one frame.

        Raises:
            InputError: the voice has one speaker only, there is no such speaker, or the recording is too short.
        """
        if len(self.speakers) < 2:
            raise InputError("this voice has one speaker only: there is nobody to convert to")
        settings = self.config.audio
        if len(audio) < settings.hop_length:
            raise InputError(f"the recording has {len(audio)} samples, too few for one frame of {settings.hop_length}")
        linear = LinearSpectrogram(
            n_fft=settings.n_fft, window_length=settings.window_length, hop_length=settings.hop_length
        ).to(self.device)
        spectrogram = linear(torch.from_numpy(audio)[None].to(self.device))
        lengths = torch.tensor([spectrogram.shape[2]], device=self.device)
        source, heard = self._speaker_ids(speaker), self._speaker_ids(target)
        converted: NDArray[np.float32] = (
            self.synthesizer.reconstruct(spectrogram, lengths, source, heard)[0, 0].cpu().numpy()
        )
        return converted

    def _encode(self, text: str) -> list[Encoded]:
        encoded = self.front_end.sentences(text)
        unknown = sorted({symbol for sentence in encoded for symbol in sentence.unknown})
        if unknown:
            warnings.warn(f"this voice does not know {' '.join(unknown)} and speaks without", stacklevel=4)
        if not encoded:
            raise InputError(
                f"there is nothing to speak in {text.strip()[:60]!r}: give a text with letters that this voice knows"
            )
        return encoded

    def _speaker_ids(self, speaker: str | None) -> Tensor | None:
        if speaker is not None and speaker not in self.speakers:
            known = ", ".join(self.speakers) or "nobody by name, it has one speaker"
            raise InputError(f"this voice has no speaker {speaker!r}; it has {known}")
        if len(self.speakers) < 2:
            return None
        return torch.tensor([self.speakers.index(speaker) if speaker else 0], device=self.device)


def _within(name: str, value: float, least: float, most: float) -> float:
    if not least <= value <= most:  # NaN is not within anything
        raise InputError(f"{name} = {value:g} is out of range: give a number from {least:g} to {most:g}")
    return value


def read_text(argument: str | None, file: Path | None) -> str:
    """The text from the command line, a file, or standard input."""
    if argument is not None and file is not None:
        raise InputError("give the text or --file, not both")
    if argument is not None and argument != "-":
        return argument
    if file is None and sys.stdin.isatty():
        print("type the text, then end it with Ctrl-D", file=sys.stderr)
    try:
        content = sys.stdin.buffer.read() if file is None else file.read_bytes()
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file or 'standard input'}: cannot be read as UTF-8 text: {error}") from error


def build_parser() -> argparse.ArgumentParser:
    """The command line of this file."""
    parser = argparse.ArgumentParser(description="Speak a text with a trained voice.")
    parser.add_argument("voice", type=Path, help="a run folder or a voice.safetensors")
    parser.add_argument("text", nargs="?", help="what to say; without it, or as -, standard input is read")
    parser.add_argument("--file", type=Path, help="read the text from this file")
    parser.add_argument("-o", "--output", type=Path, default=Path("speech.wav"), help="wav to write (%(default)s)")
    parser.add_argument("--speaker", help="who speaks, in a voice of several (the first)")
    parser.add_argument("--source", type=Path, metavar="RECORDING", help="convert this recording of --source-speaker")
    parser.add_argument("--source-speaker", help="who speaks in the recording to convert")
    parser.add_argument("--speed", type=float, help="speaking rate, 2 is twice as fast (the voice's own)")
    parser.add_argument("--noise-scale", type=float, help="variation of the sound, 0 for none (the voice's own)")
    parser.add_argument("--duration-noise-scale", type=float, help="variation of the rhythm (the voice's own)")
    parser.add_argument("--pause", type=float, metavar="SECONDS", help="silence between sentences (the voice's own)")
    parser.add_argument("--seed", type=int, help="say it the same way each time")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, mps (%(default)s)")
    return parser


@command
def main() -> int:
    """Speak from the command line."""
    arguments = build_parser().parse_args()
    voice = Voice.load(arguments.voice, arguments.device)
    if arguments.output.suffix.lower() != ".wav" or not arguments.output.parent.is_dir():
        raise InputError(f"{arguments.output}: give the name of a .wav file in a folder that exists")
    if arguments.source is not None:
        if arguments.text is not None or arguments.file is not None:
            raise InputError("give a text to speak or a recording to convert, not both")
        if arguments.speaker is None or arguments.source_speaker is None:
            raise InputError("to convert a recording, name --source-speaker and the --speaker to be heard")
        recording = read_audio(arguments.source, sample_rate=voice.sample_rate)
        audio = voice.convert(
            recording.astype(np.float32) / np.float32(FULL_SCALE),
            speaker=arguments.source_speaker,
            target=arguments.speaker,
        )
    else:
        audio = voice.speak(
            read_text(arguments.text, arguments.file),
            speaker=arguments.speaker,
            speed=arguments.speed,
            noise_scale=arguments.noise_scale,
            duration_noise_scale=arguments.duration_noise_scale,
            pause_seconds=arguments.pause,
            seed=arguments.seed,
        )
    write_wav(arguments.output, audio, sample_rate=voice.sample_rate)
    print(f"{arguments.output}: {len(audio) / voice.sample_rate:.2f} s at {voice.sample_rate} Hz")
    return 0


if __name__ == "__main__":
    sys.exit(main())
