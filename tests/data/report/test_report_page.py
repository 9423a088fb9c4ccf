"""The page of the report in a real browser."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from data.faults import Action, FaultKind, RowFault
from data.preparation import Preparation, PreparedClip
from data.report import write_report
from data.report.statistics import describe
from data.report.web_page import printable
from tests.browser import browser, foreign_content

ClipMaker = Callable[..., PreparedClip]
PreparationMaker = Callable[..., Preparation]

RATE = 22050
HOSTILE = "</td><script>window.hostile = 1</script> \"'><img src=x onerror=alert(1)> {{ 7 * 7 }} \u202eesrever\0 end"
LONG = "unbroken" * 500


@dataclass(frozen=True)
class Opened:
    """The page in a browser, and what it was made of."""

    driver: Any
    preparation: Preparation
    log: list[dict[str, Any]]  # of the browser, while the page was loaded

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)


def _tone(clip: PreparedClip) -> npt.NDArray[np.int16]:
    """A tone of 100 Hz times the clip's line."""
    time = np.arange(clip.samples) / RATE
    return (10000 * np.sin(2 * np.pi * 100 * clip.recording.line * time)).astype(np.int16)


@pytest.fixture(scope="module")
def opened(
    make_clip: ClipMaker, make_preparation: PreparationMaker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Opened]:
    root = tmp_path_factory.mktemp("corpus")
    (root / "wavs").mkdir()
    soundfile.write(root / "wavs" / "long.wav", np.zeros(3 * RATE), RATE)
    texts = {2: HOSTILE, 3: LONG, 4: "مرحبا بالعالم"}
    clips = [
        make_clip(line, texts.get(line, "A text."), seconds=1 + line / 8, root=root, speaker=f"s{line % 3}")
        for line in range(1, 25)
    ]
    clips.append(make_clip(25, seconds=2.0, root=root, speaker=HOSTILE, loudness_lufs=None))
    faults = [
        RowFault("c2", "wavs/c2.wav", 2, FaultKind.UNKNOWN_SYMBOLS, HOSTILE, Action.KEPT),
        RowFault("c3", "wavs/c3.wav", 3, FaultKind.CLIPPED, "9 samples", Action.KEPT),
        RowFault("c7", "wavs/c7.wav", 7, FaultKind.STEREO, "2 channels", Action.REPAIRED),
        RowFault("c8", "wavs/c8.wav", 8, FaultKind.STEREO, "2 channels", Action.REPAIRED),
        RowFault("long", "wavs/long.wav", 26, FaultKind.TOO_LONG, "3 s", Action.DROPPED),
        RowFault(HOSTILE, HOSTILE, 27, FaultKind.PATH_ESCAPE, LONG, Action.DROPPED),
    ]
    preparation = make_preparation(clips, faults, root=str(root))
    report = write_report(preparation, describe(preparation), root / "report", audio_of=_tone)
    with browser(tmp_path_factory.mktemp("browser")) as driver:
        driver.get(report.as_uri())
        yield Opened(driver, preparation, driver.get_log("browser"))


def test_the_page_loads_without_complaint_and_without_a_network(opened: Opened) -> None:
    assert opened.log == []
    assert opened.driver.title.endswith("corpus report")
    events = [json.loads(entry["message"])["message"] for entry in opened.driver.get_log("performance")]
    requests = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    page = opened.driver.current_url  # the empty tab before it asks for things of its own
    urls = [request["request"]["url"] for request in requests if request["documentURL"] == page]
    assert [url for url in urls if not url.startswith("data:")] == [page]


def test_histograms_count_every_clip(opened: Opened) -> None:
    figures = opened.run(
        """return [...document.querySelectorAll("figure")].map(figure => [
            figure.querySelector("h3").textContent,
            [...figure.querySelectorAll("rect")].reduce((sum, bar) => sum + Number(bar.dataset.count), 0),
            parseInt(figure.querySelector("small")?.textContent ?? "0"),
            [...figure.querySelectorAll("rect")].some(bar => bar.getBoundingClientRect().height > 20)])"""
    )
    assert [name for name, *_ in figures] == [
        "Length",
        "Speaking rate",
        "Loudness",
        "Signal to noise",
        "Silence before",
        "Silence after",
    ]
    for name, drawn, unmeasured, tall in figures:
        assert drawn + unmeasured == 25, name
        assert unmeasured == (name == "Loudness")
        assert tall, name


def test_rows_can_be_filtered_and_sorted(opened: Opened) -> None:
    def ids() -> list[str]:
        return opened.run(
            """return [...document.querySelectorAll("#suspects tbody tr")].filter(row => row.offsetParent !== null)
            .map(row => row.querySelector("strong").textContent)"""
        )

    def choose(label: str) -> None:
        opened.run(
            """const list = document.getElementById("class"); list.value = arguments[0];
            list.dispatchEvent(new Event("change"))""",
            label,
        )

    everything = ids()
    choose("stereo")
    assert ids() == ["c7", "c8"]
    assert opened.run("return document.getElementById('shown').textContent") == "2 rows"
    opened.run("document.querySelector('[data-sort=seconds] button').click()")
    opened.run("document.querySelector('[data-sort=seconds] button').click()")
    assert ids() == ["c8", "c7"]
    assert opened.run("return document.querySelector('[data-sort=seconds]').ariaSort") == "descending"
    opened.run("document.querySelector('[data-show=\"too long\"]').click()")
    assert ids() == ["long"]
    choose("")
    opened.run("document.querySelector('[data-sort=place] button').click()")
    assert ids() == everything


@pytest.mark.parametrize(("identity", "seconds", "hertz"), [("c7", 1.875, 700), ("c2", 1.25, 200), ("long", 3.0, 0)])
def test_a_player_plays_its_recording(opened: Opened, identity: str, seconds: float, hertz: int) -> None:
    state = opened.driver.execute_async_script(
        """const [identity, done] = arguments;
        const row = [...document.querySelectorAll("#suspects tbody tr")].find(row =>
            row.querySelector("strong").textContent === identity);
        const audio = row.querySelector("audio");
        audio.muted = true;
        audio.addEventListener("error", () => done({error: audio.error.message}));
        audio.addEventListener("timeupdate", async () => {
            if (audio.currentTime === 0) return;
            const bytes = Uint8Array.from(atob(audio.src.split(",")[1]), char => char.charCodeAt(0));
            const sound = await new OfflineAudioContext(1, 1, 22050).decodeAudioData(bytes.buffer);
            const samples = sound.getChannelData(0).slice(4000, -4000);
            let crossings = 0;
            for (let i = 1; i < samples.length; i++) crossings += samples[i - 1] < 0 && samples[i] >= 0;
            audio.pause();
            done({readyState: audio.readyState, duration: audio.duration,
                  hertz: crossings / samples.length * sound.sampleRate});
        });
        audio.play().catch(error => done({error: String(error)}));""",
        identity,
    )
    assert "error" not in state
    assert state["readyState"] >= 2  # HAVE_CURRENT_DATA
    assert state["duration"] == pytest.approx(seconds, abs=0.05)
    assert state["hertz"] == pytest.approx(hertz, abs=5)


def test_hostile_text_is_shown_and_does_nothing(opened: Opened) -> None:
    texts = opened.run("return [...document.querySelectorAll('bdi')].map(element => element.textContent)")
    assert printable(HOSTILE) in texts  # the transcript
    assert "⟨U+202E⟩esrever⟨U+0000⟩ end" in printable(HOSTILE)
    assert printable(HOSTILE, 80) in texts  # the speaker, and the id
    assert opened.run("return [window.hostile, document.scripts.length, document.images.length]") == [None, 1, 0]
    assert opened.run("return document.querySelectorAll('#suspects tbody tr > td:not([class])').length") == 0


def test_nothing_else_can_run_or_be_fetched(opened: Opened) -> None:
    assert foreign_content(opened.driver) == (None, ["connect-src", "img-src", "script-src-elem"])


def test_the_page_fits_a_phone(opened: Opened) -> None:
    size = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    opened.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert opened.run("return document.documentElement.scrollWidth") <= 360
        too_wide = opened.run(
            """return [...document.querySelectorAll("body *")].filter(element =>
            element.getBoundingClientRect().right > 361).map(element => element.outerHTML.slice(0, 80))"""
        )
        assert too_wide == []
        assert opened.run("return document.querySelector('audio').getBoundingClientRect().width") > 200
    finally:
        opened.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
