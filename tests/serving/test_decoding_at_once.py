"""A sentence that others wait for is decoded at once, and sounds as it does in chunks."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from serving.http_api import Service
from serving.observing import Metrics
from serving.settings import ServingSettings
from serving.speech import Speech
from serving.voice_list import VoiceList
from serving.workers import Job, WorkerPool


def samples(pieces: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(pieces), np.int16).astype(np.int32)


@pytest.mark.parametrize("name", ["graph", "reader"])
def test_the_audio_is_that_of_the_chunks_but_for_rounding(voices: VoiceList, name: str) -> None:
    named = next(voice for voice in voices if voice.name == name)
    said = Speech(named, "The early bird catches the worm before the sun rises.", {"seed": 1}, "pcm")
    chunks = [piece for piece in said.steps() if piece]
    at_once = [piece for piece in replace(said, others_wait=lambda: True).steps() if piece]
    assert len(chunks) > 1 == len(at_once)
    assert len(samples(at_once)) == len(samples(chunks))
    assert np.abs(samples(at_once) - samples(chunks)).max() <= 1


def test_a_long_sentence_is_decoded_in_chunks_even_so(voices: VoiceList) -> None:
    named = next(voice for voice in voices if voice.name == "graph")
    said = Speech(named, "the early bird " * 40 + "sings.", {"seed": 1, "speed": 0.5}, "pcm")
    assert len([piece for piece in replace(said, others_wait=lambda: True).steps() if piece]) > 1


def test_a_request_asks_the_queue_whether_others_wait(voices: VoiceList, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = WorkerPool(1, 4)
    asked = []

    def submit(steps: Iterator[bytes]) -> Job:
        asked.append(len([piece for piece in steps if piece]))
        return Job.__new__(Job)

    monkeypatch.setattr(pool, "submit", submit)
    service = Service(voices, ServingSettings(), pool, Metrics(pool))
    said = Speech(next(iter(voices)), "The early bird catches the worm before the sun rises.", {"seed": 1}, "pcm")
    service.submit("test", said)
    monkeypatch.setattr(WorkerPool, "waiting", 1)
    service.submit("test", said)
    pool.close()
    assert asked[0] > 1 == asked[1]
