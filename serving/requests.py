"""What clients ask for: the bodies of requests, and errors in OpenAI's form."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from configs.speaking import LARGEST_NOISE_SCALE, LONGEST_PAUSE_SECONDS, SPEEDS
from serving.encoding import HIGHEST_RATE, LOWEST_RATE, Format
from serving.settings import ServingSettings
from serving.speech import Speech
from serving.voice_list import NamedVoice, VoiceList
from speaking.options import SpeakOptions

MODEL = "parlance"
MODELS = (MODEL, "tts-1", "tts-1-hd", "gpt-4o-mini-tts")  # names that programs have built in mean the same

PCM_RATE = 24_000  # of OpenAI's pcm, in hertz
_SENTENCE_END = re.compile(r"[.!?。！？।؟]+(?=\s|$)|\n+|(?<=[。！？])")

NoiseScale = Annotated[float, Field(ge=0, le=LARGEST_NOISE_SCALE)]


class ApiError(HTTPException):
    """An answer other than success, in OpenAI's form."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, headers)
        self.status, self.param, self.code = status, param, code

    def __str__(self) -> str:
        return self.detail

    def content(self) -> dict[str, Any]:
        """The body of the answer."""
        kind = {401: "authentication_error", 429: "rate_limit_error"}.get(self.status, "invalid_request_error")
        if self.status >= 500:
            kind = "server_error"
        return {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}}


class _VoiceId(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str


class SpeechRequest(BaseModel):
    """The body of OpenAI's `POST /v1/audio/speech`, and our own fields."""

    model_config = ConfigDict(extra="forbid")

    input: str
    model: str = MODEL
    voice: str | _VoiceId | None = None
    instructions: str | None = None  # has no effect
    response_format: Format = "mp3"
    speed: float = Field(default=1.0, ge=0.25, le=4.0)
    stream_format: Literal["audio", "sse"] = "audio"
    # Ours.
    speaker: str | int | None = None
    language: str | None = None
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    noise_scale: NoiseScale | None = None
    duration_noise_scale: NoiseScale | None = None
    pause_seconds: float | None = Field(default=None, ge=0, le=LONGEST_PAUSE_SECONDS)
    sample_rate: int | None = Field(default=None, ge=LOWEST_RATE, le=HIGHEST_RATE)
    ssml: bool = False
    timestamps: bool = False

    def speech(self, voices: VoiceList, settings: ServingSettings) -> Speech:
        """What is to be said.

        Raises:
            ApiError: there is no such model or voice, or the text is too long.
        """
        if self.model not in MODELS:
            raise ApiError(
                404, f"there is no model {_shown(self.model)}: ask for {MODEL}", param="model", code="model_not_found"
            )
        asked = self.voice.id if isinstance(self.voice, _VoiceId) else self.voice
        named, speaker = find_voice(voices, asked, self.language)
        check_text(self.input, settings, param="input")
        options = SpeakOptions(
            speaker=speaker if self.speaker is None else self.speaker,
            # 1 is the pace of the voice, which may itself be another.
            speed=min(max(self.speed * named.voice.config.speaking.speed, SPEEDS[0]), SPEEDS[1]),
            noise_scale=self.noise_scale,
            duration_noise_scale=self.duration_noise_scale,
            pause_seconds=self.pause_seconds,
            seed=self.seed,
            ssml=self.ssml,
        )
        rate = PCM_RATE if self.sample_rate is None and self.response_format == "pcm" else self.sample_rate
        form: Literal["audio", "sse", "json"] = "json" if self.timestamps else "audio"
        return Speech(
            named,
            self.input,
            options,
            self.response_format,
            "sse" if self.stream_format == "sse" else form,
            self.timestamps,
            rate,
            settings.max_audio_seconds,
        )


class PiperRequest(BaseModel):
    """The body of `POST /synthesize` of piper-tts 1.8; as there, what is not known is ignored."""

    text: str
    voice: str | None = None
    speaker: str | None = None
    speaker_id: int | None = Field(default=None, ge=0, lt=2**31)
    length_scale: float | None = Field(default=None, ge=1 / SPEEDS[1], le=1 / SPEEDS[0])
    noise_scale: NoiseScale | None = None
    noise_w_scale: NoiseScale | None = None

    def speech(self, voices: VoiceList, settings: ServingSettings) -> Speech:
        """What is to be said.

        Raises:
            ApiError: there is no such voice, or the text is too long.
        """
        named, speaker = find_voice(voices, self.voice, None)
        check_text(self.text, settings, param="text")
        options = SpeakOptions(
            speaker=self.speaker_id if self.speaker_id is not None else self.speaker or speaker,
            speed=None if self.length_scale is None else 1 / self.length_scale,
            noise_scale=self.noise_scale,
            duration_noise_scale=self.noise_w_scale,
        )
        return Speech(named, self.text, options, "pcm", max_audio_seconds=settings.max_audio_seconds)


def find_voice(voices: VoiceList, asked: str | None, language: str | None) -> tuple[NamedVoice, str | None]:
    """The voice of a request, and its speaker if the name has one.

    Raises:
        ApiError: there is no such voice, or it does not speak the language.
    """
    found = voices.find(asked, language)
    if found is None and asked is not None:
        known = ", ".join(one.name for one in voices)
        raise ApiError(
            404, f"there is no voice {_shown(asked)}: ask for {known}", param="voice", code="voice_not_found"
        )
    if found is None or (language is not None and not found[0].speaks(language)):
        who = "no voice here speaks" if found is None else f"the voice {found[0].name} does not speak"
        spoken = ", ".join(sorted({one.language.code.replace("_", "-") for one in voices}))
        raise ApiError(
            400,
            f"{who} {_shown(language or '')}: the voices here speak {spoken}",
            param="language",
            code="language_not_found",
        )
    return found


def check_text(text: str, settings: ServingSettings, *, param: str) -> None:
    """Refuse a text that has nothing in it or is too long.

    Raises:
        ApiError: it is.
    """
    if not text.strip():
        raise ApiError(400, "the text is empty: give something to say", param=param, code="empty_text")
    if len(text) > settings.max_characters:
        raise ApiError(
            400,
            f"the text has {len(text)} characters, and at most {settings.max_characters} are spoken: shorten it",
            param=param,
            code="string_above_max_length",
        )
    sentences = sum(1 for _ in _SENTENCE_END.finditer(text))
    if sentences > settings.max_sentences:
        raise ApiError(
            400,
            f"the text has {sentences} sentences, and at most {settings.max_sentences} are spoken: shorten it",
            param=param,
            code="too_many_sentences",
        )


def _shown(value: str) -> str:
    return repr(value if len(value) <= 60 else f"{value[:60]}…")
