"""The settings of the server: what it listens on, and the bounds of its work."""

from typing import Annotated

from pydantic import ConfigDict, Field

from configs.section import NonNegative, Positive, Section, Text

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]

_BYTES_PER_CHARACTER = 12  # of JSON at most: two escapes, such as \ud83d\ude00
_BYTES_AROUND = 16_384  # of JSON around the text


class ServingSettings(Section):
    """The options of `python -m serving`."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    host: Text = "127.0.0.1"
    """Address to listen on; 0.0.0.0 is every IPv4 address of this machine."""
    port: Port = 8080
    """Port of HTTP; 0 takes a free one."""
    wyoming_port: Port | None = None
    """Port of Wyoming; none does not speak it, 0 takes a free one."""
    workers: Positive = 1
    """Threads that synthesize, each on one core."""
    queue: NonNegative = 64
    """Requests that may wait for a worker; the next one is refused with 429."""
    max_characters: Positive = 4096
    """Longest text of a request, in characters."""
    max_sentences: Positive = 500
    """Most sentences of a request, counted by the marks and line ends behind them."""
    max_audio_seconds: Seconds = 1800.0
    """Longest audio of a request, in seconds."""
    request_seconds: Seconds = 120.0
    """Longest time from a request to the end of its answer, in seconds."""
    receive_seconds: Seconds = 10.0
    """Longest time in which a client sends the headers, and then the body, of a request, in seconds."""
    drain_seconds: Seconds = 30.0
    """Longest time to finish running requests after SIGTERM, in seconds."""
    connections: Positive = 1000
    """Most connections at a time, of HTTP and of Wyoming each."""
    cors: tuple[Text, ...] = ()
    """Origins whose pages may use this server; * is all of them."""
    log_texts: bool = False
    """Whether the log has the texts that are spoken."""

    @property
    def max_body_bytes(self) -> int:
        """Size of the largest body of a request that can hold the longest text."""
        return _BYTES_PER_CHARACTER * self.max_characters + _BYTES_AROUND
