"""The page in a real browser: one types, hears, sees and downloads, and a hostile text stays a text."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.voice_list import VoiceList
from tests.browser import browser, foreign_content, phone
from tests.serving.running import KEY, Running, running, until
from tests.serving.test_openai_client import decoded

HOSTILE = "</script><script>window.hostile = 1</script><img src=x onerror='window.hostile = 2'> {{ 7 * 7 }} & you."


@dataclass(frozen=True)
class Opened:
    """The page in a browser."""

    driver: Any
    server: Running

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def write(self, **fields: Any) -> None:
        for name, value in fields.items():
            self.run(
                """const field = document.getElementById(arguments[0]); field.value = arguments[1];
                field.dispatchEvent(new Event("change", {bubbles: true}));
                field.dispatchEvent(new Event("input", {bubbles: true}));""",
                name,
                value,
            )

    def speak(self) -> None:
        """Press the button, and wait for another item in the list, or for a problem."""
        count = "return document.querySelectorAll('#made li').length"
        before = self.run(count)
        self.run("document.querySelector('button.main').click()")
        until(lambda: self.run(count) > before or not self.run("return document.getElementById('problem').hidden"))

    def text(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0]).textContent", selector))


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browser(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture
def opened(driver: Any, server: Running) -> Opened:
    driver.get(f"{server.url}/")
    return Opened(driver, server)


def test_it_loads_without_complaint_and_asks_only_this_server(opened: Opened) -> None:
    opened.write(text="Good morning.", seed=3)
    opened.speak()
    assert opened.driver.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in opened.driver.get_log("performance")]
    requests = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    page = f"{opened.server.url}/"
    urls = {request["request"]["url"] for request in requests if request["documentURL"] == page}
    assert {url for url in urls if not url.startswith(("data:", "blob:"))} == {page, f"{page}v1/audio/speech"}


def test_what_is_typed_is_heard_and_is_the_audio_of_the_server(opened: Opened) -> None:
    opened.write(text="Good morning, doctor.", seed=3, voice="reader", noise=0.5, speed=1.25)
    opened.speak()
    until(lambda: opened.run("return document.querySelector('audio').duration > 0"))
    asked = {"voice": "reader", "seed": 3, "noise_scale": 0.5, "speed": 1.25}
    pcm = opened.server.say("Good morning, doctor.", response_format="pcm", sample_rate=16000, **asked).content
    seconds = len(pcm) / 2 / 16000
    assert opened.run("return document.querySelector('audio').duration") == pytest.approx(seconds, abs=0.001)
    heard = opened.run("return Array.from(shown.samples)")
    np.testing.assert_array_equal(np.array(heard) * 32768, np.frombuffer(pcm, "<i2"))
    assert "First audio after" in opened.text("#state")


def test_its_downloads_are_files_that_play(opened: Opened, tmp_path: Path) -> None:
    behaviour = {"behavior": "allow", "downloadPath": str(tmp_path)}
    opened.driver.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
    opened.write(text="Good morning.", seed=4, voice="reader", format="mp3")
    opened.speak()
    opened.run("document.querySelector('#made .save').click()")
    opened.run("document.querySelector('#made .encode').click()")
    wav, mp3 = tmp_path / "reader-4.wav", tmp_path / "reader-4.mp3"
    until(lambda: wav.exists() and mp3.exists())
    pcm = opened.server.say("Good morning.", voice="reader", seed=4, response_format="pcm", sample_rate=16000).content
    audio, rate = decoded(wav.read_bytes())
    assert rate == 16000
    np.testing.assert_array_equal(audio * 32768, np.frombuffer(pcm, "<i2"))
    assert len(decoded(mp3.read_bytes())[0]) == pytest.approx(len(audio), abs=3000)


def test_words_and_phonemes_stand_under_their_sound_and_a_word_is_heard_alone(opened: Opened) -> None:
    opened.write(text="Good morning, doctor.", seed=3, voice="reader")
    opened.speak()
    times = opened.server.say("Good morning, doctor.", voice="reader", seed=3, timestamps=True).json()
    words = times["sentences"][0]["words"]
    assert opened.run("return [...document.querySelectorAll('#words button')].map(b => b.textContent)") == [
        word["text"] for word in words
    ]
    scale = opened.run("return scaleOf(shown)")
    lefts = opened.run("return [...document.querySelectorAll('#words button')].map(b => parseFloat(b.style.left))")
    assert lefts == pytest.approx([word["start"] * scale for word in words], abs=0.01)
    shown = "".join(opened.run("return [...document.querySelectorAll('#phonemes span')].map(s => s.textContent)"))
    assert shown == "".join(word["phonemes"] for word in words).replace(",", "").replace(".", "")
    opened.run("document.querySelectorAll('#words button')[1].click()")
    until(lambda: not opened.run("return document.getElementById('cursor').hidden"))
    assert opened.run("return [player.from, player.end]") == [words[1]["start"], words[1]["end"]]
    until(lambda: opened.run("return document.getElementById('cursor').hidden"))


def test_its_spectrogram_is_that_of_numpy(opened: Opened) -> None:
    samples = np.random.default_rng(0).standard_normal(1500).astype(np.float32)
    ours = opened.run("return Array.from(drawing.powers(Float32Array.from(arguments[0]), 700))", samples.tolist())
    size = opened.run("return drawing.size")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    theirs = np.abs(np.fft.rfft(samples[700 - size // 2 : 700 + size // 2] * window)) ** 2
    np.testing.assert_allclose(ours, theirs[: size // 2], rtol=1e-3, atol=1e-3)


def test_a_hostile_text_is_shown_as_text(opened: Opened) -> None:
    opened.write(text=HOSTILE, seed=3)
    opened.speak()
    assert opened.text("#made .said") == HOSTILE
    assert opened.run("return window.hostile ?? null") is None
    assert opened.run("return document.querySelectorAll('#made img, #seen img, #made script').length") == 0
    opened.run("document.querySelector('#made .again').click()")
    assert opened.run("return document.getElementById('text').value") == HOSTILE


def test_a_hostile_name_of_a_voice_is_shown_as_text_and_can_be_chosen(driver: Any, voices: VoiceList) -> None:
    hostile = VoiceList({HOSTILE: replace(voices.voices["reader"], name=HOSTILE)})
    with running(hostile) as server:
        driver.get(f"{server.url}/")
        opened = Opened(driver, server)
        assert opened.text("#voice option") == f"{HOSTILE} (en-US)"
        opened.write(text="Hello.")
        opened.speak()
        assert opened.text("#made small").startswith(f"{HOSTILE} · seed ")
        assert opened.run("return window.hostile ?? null") is None


def test_nothing_foreign_runs_in_it(opened: Opened) -> None:
    left, refused = foreign_content(opened.driver)
    assert left is None
    assert set(refused) == {"connect-src", "img-src", "script-src-elem"}


def test_an_error_is_told_and_the_page_goes_on(opened: Opened) -> None:
    opened.write(text="…")
    opened.speak()
    assert "there is nothing to speak" in opened.text("#problem")
    opened.write(text="Hello.")
    opened.speak()
    assert opened.run("return document.getElementById('problem').hidden")
    assert opened.run("return document.querySelectorAll('#made li').length") == 1


def test_speakers_are_offered_where_there_are_several(opened: Opened) -> None:
    assert not opened.run("return document.getElementById('speakers').checkVisibility()")
    opened.write(voice="choir", text="Hello.", seed=1)
    opened.write(speaker="bob")
    opened.speak()
    assert opened.text("#made small").startswith("choir, bob · seed 1 ")


def test_it_is_used_with_the_keyboard_alone(opened: Opened) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    reached = []
    opened.run("document.getElementById('text').focus()")
    for _ in range(9):
        reached.append(opened.run("return document.activeElement.id || document.activeElement.textContent"))
        ActionChains(opened.driver).send_keys(Keys.TAB).perform()
    assert reached[:8] == ["text", "voice", "seed", "format", "speed", "noise", "rhythm", "Speak"]
    opened.run("document.getElementById('text').focus()")
    ActionChains(opened.driver).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    until(lambda: opened.run("return document.querySelectorAll('#made li').length") == 1)
    opened.run("document.querySelector('#words button').focus()")
    ActionChains(opened.driver).send_keys(Keys.ENTER).perform()
    until(lambda: opened.run("return player.from > 0 && player.speech === shown"))
    unnamed = """return [...document.querySelectorAll("button, input, select, textarea, audio, a")]
        .filter(one => one.checkVisibility() && !one.labels?.length && !one.textContent.trim() && !one.ariaLabel)
        .map(one => one.outerHTML)"""
    assert opened.run(unnamed) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone_in_both_themes(opened: Opened, theme: str) -> None:
    with phone(opened.driver, theme):
        opened.driver.get(f"{opened.server.url}/")
        opened.write(text="unbroken" * 20 + " words.", seed=1, format="flac")
        opened.speak()
        assert opened.run("return document.documentElement.scrollWidth") == 360
        small = """const fields = "form :is(button, select, input:not([type=range])), li :is(button, a)";
            return [...document.querySelectorAll(fields)].filter(one => one.checkVisibility()
                && one.getBoundingClientRect().height < 36).map(one => one.outerHTML)"""
        assert opened.run(small) == []
        paper, ink = opened.run("const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]")
        levels = [sum(map(int, rgb[4:-1].split(","))) for rgb in (paper, ink)]
        assert (levels[0] > levels[1]) == (theme == "light")


def test_a_key_is_asked_for_where_there_is_one(driver: Any, voices: VoiceList) -> None:
    with running(voices, keys=[KEY]) as server:
        driver.get(f"{server.url}/")
        opened = Opened(driver, server)
        opened.write(text="Hello.")
        opened.speak()
        assert "API key" in opened.text("#problem")
        assert opened.run("return document.activeElement.id") == "key"
        opened.write(key=KEY)
        opened.speak()
        assert opened.run("return document.querySelectorAll('#made li').length") == 1
