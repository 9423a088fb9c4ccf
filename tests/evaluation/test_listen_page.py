"""The page of a listening test in a real browser: what is heard and what is saved belong together."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from evaluation.listen.page import write_page
from evaluation.listen.results import read_results
from tests.browser import browser, phone
from tests.evaluation.listening_items import HOSTILE, LANGUAGE, SYSTEMS, tone_items

HERTZ = {name: hertz for name, _, hertz, _ in SYSTEMS}
SENTENCES = 2
# What is sounding now: its pitch, by the zero crossings of the file that plays.
PITCH = """const done = arguments[0];
    (async () => {
        const sound = current();
        for (let wait = 0; wait < 200 && (sound.paused || !sound.currentTime); wait++)
            await new Promise(then => setTimeout(then, 10));
        const bytes = Uint8Array.from(atob(sound.src.split(",")[1]), char => char.charCodeAt(0));
        const decoded = await new OfflineAudioContext(1, 1, 22050).decodeAudioData(bytes.buffer);
        const samples = decoded.getChannelData(0).slice(8000, -8000);
        let crossings = 0;
        for (let i = 1; i < samples.length; i++) crossings += samples[i - 1] < 0 && samples[i] >= 0;
        done(crossings / samples.length * decoded.sampleRate);
    })().catch(error => done(String(error)));"""


@dataclass(frozen=True)
class Page:
    """The page in a browser."""

    driver: Any
    file: Path
    downloads: Path

    def fresh(self) -> "Page":
        """The same, at its beginning."""
        if self.driver.current_url == self.file.as_uri():
            self.run("unsaved = false")
        self.driver.get(self.file.as_uri())
        return self

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def click(self, selector: str) -> None:
        self.find(selector).click()

    def press(self, *keys: str) -> None:
        self.driver.switch_to.active_element.send_keys(*keys)

    def heard(self) -> str:
        """The system that is sounding."""
        pitch = self.driver.execute_async_script(PITCH)
        assert isinstance(pitch, int | float), pitch
        return min(HERTZ, key=lambda name: abs(HERTZ[name] - pitch))

    def state(self) -> dict[str, Any]:
        """How many sounds play, which button says so, and at which part."""
        state: dict[str, Any] = self.run(
            """return {
                playing: [...player.sounds.values()].filter(sound => !sound.paused).length,
                pressed: [...document.querySelectorAll("#trial [data-hear][aria-pressed=true]")].filter(
                    button => button.offsetParent).map(button => button.dataset.hear),
                part: player.part}"""
        )
        return state

    def saved(self) -> list[Path]:
        """The downloaded files, once they are there."""
        for _ in range(200):
            files = list(self.downloads.glob("*.json"))
            if files:
                return files
            time.sleep(0.02)
        raise AssertionError("nothing was downloaded")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    file = tmp_path_factory.mktemp("page") / "listen.html"
    write_page(tone_items(SENTENCES), file)
    with browser(tmp_path_factory.mktemp("browser")) as driver:
        yield Page(driver, file, tmp_path_factory.mktemp("downloads"))


@pytest.fixture
def page(opened: Page) -> Page:
    for file in opened.downloads.iterdir():
        file.unlink()
    folder = {"behavior": "allow", "downloadPath": str(opened.downloads)}
    opened.driver.execute_cdp_cmd("Page.setDownloadBehavior", folder)
    return opened.fresh()


def test_a_whole_test_saves_every_answer_under_the_voice_that_was_heard(page: Page) -> None:
    seen = [page.find("body").text]
    page.find("#listener").send_keys("Ann Ö")
    page.click("#begin button")
    preferred: list[str | None] = []
    for _ in range(SENTENCES):  # by mouse: always the lower voice, but for a draw at the end
        pair = []
        for version in ("0", "1"):
            page.click(f"#pair [data-hear='{version}']")
            pair.append(page.heard())
        assert sorted(pair) == ["mockingbird", "zebrafinch"]
        choice = pair.index("mockingbird") if not preferred else -1
        page.click(f"[name=preferred][value='{choice}']")
        preferred.append(None if choice < 0 else "mockingbird")
        seen.append(page.find("body").text)
        assert page.find("#next").text == "Next"
        page.click("#next")
    for _ in range(SENTENCES):  # by keys: a tenth of what is heard, in hertz
        page.press("r")
        assert page.heard() == "recording"
        for place in range(4):
            page.press(str(place + 1))
            tens = HERTZ[page.heard()] // 100
            slider = page.driver.find_elements("css selector", ".score")[place]
            slider.send_keys("\ue011", *["\ue00e"] * tens)  # home, and page up for ten each
        assert "90 Excellent" in page.find("#versions").text
        seen.append(page.find("body").text)
        page.driver.find_elements("css selector", ".score")[0].send_keys("\ue007")  # enter
    seen.append(page.find("body").text)
    assert not any(name in text for text in seen for name in HERTZ if name != "recording")
    page.click("#reveal")
    assert all(name in page.find("#summary").text for name in HERTZ)

    (file,) = page.saved()
    assert file.name.startswith("listening-")
    assert file.name.endswith("-Ann-Ö.json")
    (found,) = read_results([file])
    assert found.listener == "Ann Ö"
    assert sorted(rating.item for rating in found.ratings) == ["id0", "id1"]
    assert all(rating.scores == {name: hertz // 10 for name, hertz in HERTZ.items()} for rating in found.ratings)
    assert [pair.preferred for pair in found.pairs] == preferred
    assert {tuple(sorted((pair.first, pair.second))) for pair in found.pairs} == {("mockingbird", "zebrafinch")}
    assert {pair.text for pair in found.pairs} == {HOSTILE, "This is sentence 1."}
    assert not page.find("#return").is_displayed()  # who was who is known now


def test_one_version_plays_at_a_time_and_the_next_goes_on_at_the_same_part(page: Page) -> None:
    page.click("#begin button")
    page.click("#pair [data-hear='0']")
    first = page.heard()
    page.run("current().currentTime = 0.5 * current().duration")
    page.press("2")
    second = page.heard()
    assert {first, second} == {"mockingbird", "zebrafinch"}  # of 2 and 4 seconds
    state = page.state()
    assert (state["playing"], state["pressed"]) == (1, ["1"])
    assert 0.5 - 1e-4 < state["part"] < 0.95
    page.run("document.activeElement.blur()")
    page.find("body").send_keys(" ")
    paused = page.state()
    assert (paused["playing"], paused["pressed"]) == (0, [])
    page.find("body").send_keys(" ")
    assert page.heard() == second
    assert page.state()["part"] > paused["part"] - 1e-4  # a browser rounds where it stopped


def test_the_hidden_reference_answers_like_any_other_version(page: Page) -> None:
    page.click("#begin button")
    page.run(f"open({SENTENCES})")
    page.press("r")
    assert page.heard() == "recording"
    assert page.state()["pressed"] == ["reference"]
    for version in range(4):
        if page.state()["pressed"] != ["reference"]:
            page.press("r")
        assert page.heard() == "recording"
        page.press(str(version + 1))
        page.heard()
        state = page.state()
        assert (state["playing"], state["pressed"]) == (1, [str(version)])


def test_a_sentence_that_has_ended_begins_anew(page: Page) -> None:
    page.click("#begin button")
    page.press("1")
    page.heard()
    page.run("current().currentTime = current().duration - 0.05")
    ended = page.driver.execute_async_script(
        """const done = arguments[0], sound = current();
        const look = () => sound.ended ? setTimeout(() => done([sounding(), player.part]), 50) : setTimeout(look, 20);
        look();"""
    )
    assert ended == [False, 0]


def test_what_was_not_answered_is_not_saved(page: Page) -> None:
    page.click("#begin button")
    assert page.find("#next").text == "Skip"
    for _ in range(SENTENCES):
        page.click("#next")
    page.driver.find_elements("css selector", ".score")[2].send_keys("\ue012")  # one to the left of the middle
    assert page.find("#versions").text.count("not rated") == 3
    page.click("#trial .save")
    (found,) = read_results(page.saved())
    assert found.pairs == ()
    assert [list(rating.scores.values()) for rating in found.ratings] == [[49]]
    assert page.find("#sentence").is_displayed()  # the test goes on, and nobody is named
    assert "mockingbird" not in page.find("body").text


def test_orders_are_drawn_anew_for_each_listener(page: Page) -> None:
    orders = page.run("return Array.from({length: 200}, () => shuffled([1, 2, 3]).join(''))")
    assert len(set(orders)) == 6
    assert all(16 < orders.count(order) < 55 for order in set(orders))  # 33 expected, 5 the deviation


def test_the_page_loads_without_complaint_and_without_a_network(page: Page) -> None:
    page.click("#begin button")
    page.press("1")
    page.heard()
    assert page.driver.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]
    requests = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    urls = {one["request"]["url"] for one in requests if one["documentURL"] == page.file.as_uri()}
    assert {url for url in urls if not url.startswith(("data:", "blob:"))} == {page.file.as_uri()}
    assert page.run("return [window.hostile, document.images.length, document.scripts.length]") == [None, 0, 2]


def test_hostile_text_is_shown_as_it_is(page: Page) -> None:
    page.click("#begin button")
    shown = {page.find("#sentence").get_property("textContent")}
    page.click("#next")
    shown.add(page.find("#sentence").get_property("textContent"))
    assert HOSTILE in shown
    assert page.find("#sentence").get_property("lang") == LANGUAGE


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_screen_fits_a_phone(theme: str, page: Page) -> None:
    with phone(page.driver, theme):
        page.fresh()
        for step in ("", "open(0)", f"open({SENTENCES})", f"open({2 * SENTENCES})", "reveal()"):
            page.run(step)
            assert page.run("return document.documentElement.scrollWidth") <= 360, step
            too_wide = page.run(
                """return [...document.querySelectorAll("body *")].filter(element =>
                element.getBoundingClientRect().right > 361).map(element => element.outerHTML.slice(0, 80))"""
            )
            assert too_wide == [], step
            small = page.run(
                """return [...document.querySelectorAll("button")].filter(button =>
                button.offsetParent && button.getBoundingClientRect().height < 40).map(button => button.outerHTML)"""
            )
            assert small == [], step  # a finger is wide
