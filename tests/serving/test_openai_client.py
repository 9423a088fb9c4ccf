"""OpenAI's own client hears our voices, over a socket, in every format."""

import base64
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

import infer
from data.audio_file import to_int16
from serving.encoding import Format
from serving.voice_list import VoiceList
from speaking.timestamps import write_timestamps
from tests.clients.exported_voice import SENTENCE, TEXT, write_random_voice
from tests.serving.running import KEY, Running, running

openai = pytest.importorskip("openai", reason="openai is not installed")
av = pytest.importorskip("av", reason="av is not installed")

Client = Any  # openai has its own types only where it is installed


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[Client]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as opened:
        yield opened


def ask(client: Client, text: str = SENTENCE, **fields: Any) -> Any:
    own = {
        name: fields.pop(name) for name in ("seed", "sample_rate", "timestamps", "speaker", "ssml") if name in fields
    }
    asked = {"model": "tts-1", "voice": "reader", "response_format": "pcm", **fields}
    return client.audio.speech.create(input=text, extra_body=own, **asked)


def decoded(content: bytes) -> tuple[np.ndarray[Any, Any], int]:
    """Samples and rate, as FFmpeg decodes them."""
    with av.open(io.BytesIO(content)) as container:
        frames = list(container.decode(audio=0))
    planar = [frame.to_ndarray().reshape(-1) for frame in frames]
    audio = np.concatenate(planar)
    return (audio / 32768 if audio.dtype == np.int16 else audio), frames[0].sample_rate


@pytest.mark.parametrize("name", ["reader", "graph"])
def test_streamed_pcm_is_the_audio_of_infer_for_the_same_seed_sample_by_sample(
    client: Client, voices: VoiceList, name: str
) -> None:
    voice = voices.voices[name].voice
    with client.audio.speech.with_streaming_response.create(
        model="tts-1",
        voice=name,
        input=TEXT,
        response_format="pcm",
        extra_body={"seed": 7, "sample_rate": voice.sample_rate},
    ) as answer:
        pieces = list(answer.iter_bytes())
    assert len(pieces) > 3
    said = to_int16(np.concatenate(list(voice.stream(TEXT, seed=7))))
    assert np.abs(said).max() > 1000
    np.testing.assert_array_equal(np.frombuffer(b"".join(pieces), "<i2"), said)


def test_pcm_has_the_rate_of_openai_unless_another_is_asked_for(client: Client, voices: VoiceList) -> None:
    voice = voices.voices["reader"].voice
    answer = ask(client, seed=3)
    assert answer.response.headers["content-type"] == "audio/pcm;rate=24000;channels=1"
    heard = np.frombuffer(answer.read(), "<i2") / 32768
    said = soxr.resample(np.concatenate(list(voice.stream(SENTENCE, seed=3))), voice.sample_rate, 24000, "VHQ")
    assert len(heard) == len(said)
    np.testing.assert_allclose(heard, said.clip(-1, 1), atol=1 / 16384)


def test_the_command_line_says_the_same(
    server: Running,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    pcm = server.say(TEXT, voice="reader", response_format="pcm", seed=5, sample_rate=16000).content
    voice = write_random_voice(tmp_path / "voice", "vocos")  # as `reader`
    monkeypatch.setattr(sys, "argv", ["infer.py", str(voice), TEXT, "--seed", "5", "--stream", "-o", "-"])
    assert infer.main() == 0
    assert capsysbinary.readouterr().out == pcm


@pytest.mark.parametrize(
    ("name", "kind", "rate"),
    [
        ("mp3", "audio/mpeg", 16000),
        ("opus", "audio/ogg", 48000),  # what its decoders give; it is encoded at 16000
        ("aac", "audio/aac", 16000),
        ("flac", "audio/flac", 16000),
        ("wav", "audio/wav", 16000),
    ],
)
def test_every_format_decodes_to_the_audio(
    client: Client, voices: VoiceList, name: Format, kind: str, rate: int
) -> None:
    answer = ask(client, response_format=name, seed=3)
    assert answer.response.headers["content-type"] == kind
    heard, heard_rate = decoded(answer.read())
    assert heard_rate == rate
    voice = voices.voices["reader"].voice
    said = soxr.resample(np.concatenate(list(voice.stream(SENTENCE, seed=3))), voice.sample_rate, rate)
    if name in ("flac", "wav"):
        np.testing.assert_allclose(heard, said, atol=1 / 32768)
        return
    # A codec delays the audio by up to a few frames; then they agree, but for what it leaves out.
    shift = int(np.argmax(np.correlate(heard, said[: rate // 4], "valid")[: rate // 5]))
    common = min(len(heard) - shift, len(said))
    assert common > 0.97 * len(said)
    assert np.corrcoef(heard[shift : shift + common], said[:common])[0, 1] > 0.9


def test_events_carry_the_audio_and_end_with_done(client: Client) -> None:
    answer = ask(client, seed=3, sample_rate=16000, stream_format="sse", timestamps=True)
    events = [json.loads(event.removeprefix("data: ")) for event in answer.text.split("\n\n")[:-1]]
    kinds = [event["type"] for event in events]
    assert kinds[0] == "speech.audio.timestamps"
    assert set(kinds[1:-1]) == {"speech.audio.delta"}
    assert kinds[-1] == "speech.audio.done"
    assert [word["text"] for word in events[0]["words"]] == SENTENCE.split()
    audio = b"".join(base64.b64decode(event["audio"]) for event in events[1:-1])
    assert audio == ask(client, seed=3, sample_rate=16000).read()
    assert events[-1]["usage"]["input_tokens"] == len(SENTENCE)


def test_timestamps_come_with_the_same_audio_and_are_those_of_infer(
    client: Client, voices: VoiceList, tmp_path: Any
) -> None:
    heard = json.loads(ask(client, TEXT, seed=3, response_format="flac", timestamps=True).text)
    assert base64.b64decode(heard["audio"]) == ask(client, TEXT, seed=3, response_format="flac").read()
    write_timestamps(tmp_path / "times.json", voices.voices["reader"].voice.speak_timed(TEXT, seed=3).timestamps)
    assert {name: heard[name] for name in ("seconds", "sentences")} == json.loads((tmp_path / "times.json").read_text())


def test_speed_speakers_and_ssml_are_those_of_infer(server: Running, voices: VoiceList) -> None:
    voice = voices.voices["choir"].voice
    cases: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
        ({"voice": "choir", "speaker": "bob", "speed": 2}, "Hello.", {"speaker": "bob", "speed": 2.0}),
        ({"voice": "choir/cem", "noise_scale": 0}, "Hello.", {"speaker": "cem", "noise_scale": 0.0}),
        ({"voice": "choir", "ssml": True}, '<speak>Hi. <break time="1s"/> You.</speak>', {"ssml": True}),
    ]
    for fields, text, options in cases:
        heard = server.say(text, response_format="pcm", sample_rate=22050, seed=1, **fields).content
        said = to_int16(np.concatenate(list(voice.stream(text, seed=1, **options))))
        np.testing.assert_array_equal(np.frombuffer(heard, "<i2"), said)


def test_models_and_voices_are_listed(client: Client, server: Running) -> None:
    models = [model.id for model in client.models.list()]
    assert "parlance" in models
    assert client.models.retrieve(models[0]).object == "model"
    listed = server.get("/v1/audio/voices").json()
    assert listed["voices"] == ["reader", "choir", "choir/ann", "choir/bob", "choir/cem", "graph"]
    assert listed["data"][1]["speakers"] == ["ann", "bob", "cem"]
    assert listed["data"][0]["language"] == "en-US"


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"voice": "../reader"}, 404, "voice"),
        ({"voice": "/etc/passwd"}, 404, "voice"),
        ({"voice": "reader\0"}, 404, "voice"),
        ({"voice": "choir/dora"}, 404, "voice"),
        ({"model": "tts-9"}, 404, "model"),
        ({"speed": 4.5}, 400, "speed"),
        ({"response_format": "ogg"}, 400, "response_format"),
        ({"text": ""}, 400, "input"),
        ({"text": "..."}, 400, "input"),
        ({"text": "a" * 4097}, 400, "input"),
        ({"text": "No. " * 600}, 400, "input"),
        ({"text": "<speak>", "ssml": True}, 400, "input"),
        ({"text": '<speak>Hi<break time="4000s"/></speak>', "ssml": True}, 400, "input"),
        ({"speaker": "dora"}, 400, "input"),
        ({"language": "de"}, 400, "language"),
        ({"seed": -1}, 400, "seed"),
        ({"colour": "red"}, 400, "colour"),
    ],
)
def test_errors_are_those_that_the_client_knows(
    client: Client, fields: dict[str, Any], status: int, param: str
) -> None:
    asked = {"model": "tts-1", "voice": "reader", "text": "Hello.", **fields}
    own = {name: asked.pop(name) for name in ("seed", "ssml", "speaker", "language", "colour") if name in asked}
    with pytest.raises(openai.APIStatusError) as caught:
        client.audio.speech.create(input=asked.pop("text"), extra_body=own, **asked)
    assert caught.value.status_code == status
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"
    assert "Traceback" not in caught.value.message


def test_what_is_not_json_is_an_error_of_the_same_form(server: Running) -> None:
    for content in (b"", b"{", b"[]", b"\xff", b'{"input": "\\ud800"}', b"[" * 10_000):
        answer = server.post("/v1/audio/speech", data=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, content
        assert answer.json()["error"]["type"] == "invalid_request_error"
    assert server.get("/v1/nothing").json()["error"]["message"] == "Not Found"
    assert server.get("/v1/audio/speech").status_code == 405


def test_a_voice_may_be_chosen_by_its_language(server: Running) -> None:
    assert server.say("Hello.", language="en").status_code == 200
    assert server.say("Hello.", language="en_US", voice="choir").status_code == 200
    refused = server.say("Hallo.", language="de").json()["error"]
    assert refused["message"] == "no voice here speaks 'de': the voices here speak en-US"


def test_a_server_with_keys_answers_only_to_them(voices: VoiceList) -> None:
    with running(voices, keys=[KEY, "another"]) as server:
        for key, status in ((KEY, 200), ("another", 200), ("open-sesam", 401), ("", 401)):
            with openai.OpenAI(base_url=f"{server.url}/v1", api_key=key or "x", max_retries=0) as client:
                if status == 200:
                    assert len(ask(client, "Hello.").read()) > 1000
                    continue
                with pytest.raises(openai.AuthenticationError):
                    ask(client, "Hello.")
        assert server.post("/", json={"text": "Hello."}).status_code == 401
        assert server.get("/metrics").status_code == server.get("/voices").status_code == 401
        assert server.get("/health").status_code == server.get("/").status_code == 200
