"""What a voice has besides its synthesizer, in whatever file it is."""

from typing import Protocol

from configs import Config
from text import Lexicon, SymbolTable, TextFrontEnd


class VoiceParts(Protocol):
    """A voice without its synthesizer: voices.voice_file.VoiceFile, or voices.onnx_synthesizer.OnnxFile."""

    @property
    def config(self) -> Config:
        """The settings it was trained with, and its defaults of synthesis."""
        ...

    @property
    def symbols(self) -> str:
        """The symbol table, as JSON."""
        ...

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names by id; empty for a voice of one speaker."""
        ...

    @property
    def lexicon(self) -> str | None:
        """The user's lexicon, as JSON."""
        ...


def front_end_of(voice: VoiceParts) -> TextFrontEnd:
    """The text front end of a voice."""
    return TextFrontEnd(
        kind=voice.config.data.front_end,
        language=voice.config.data.language,
        symbols=SymbolTable.from_json(voice.symbols),
        lexicon=Lexicon.from_json(voice.lexicon) if voice.lexicon is not None else None,
    )
