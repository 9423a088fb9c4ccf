"""The page of two runs and a reference in a real browser."""

import itertools
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from data.report.web_page import printable
from monitoring.page.page import make_page
from monitoring.page.runs import open_reference, open_runs
from monitoring.page.watching import WatchedPage, serve
from tests.browser import browser, foreign_content, phone
from tests.monitoring.made_runs import SENTENCES, make_run

HOSTILE = "</script><script>window.hostile = 1</script> \"'><img src=x onerror=alert(1)> {{ 7 * 7 }} \u202eesrever"
NAME = "<img src=x onerror='window.hostile = 2'>&amp;"


@dataclass(frozen=True)
class Opened:
    """The page in a browser."""

    driver: Any
    log: list[dict[str, Any]]  # of the browser, while the page was loaded

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def after_drawing(self, script: str, *arguments: Any) -> Any:
        """What a script returns once the charts are drawn again."""
        return self.driver.execute_async_script(
            f"""const given = [...arguments], done = given.pop(), read = function () {{ {script} }};
            let frames = 3;  // what was unfolded is measured in the first and drawn in the second
            const wait = () => (frames-- ? requestAnimationFrame(wait) : done(read(...given)));
            wait();""",
            *arguments,
        )

    def choose(self, name: str, value: object) -> None:
        self.run(
            """const field = document.getElementById("controls").elements[arguments[0]]; field.value = arguments[1];
            field.dispatchEvent(new Event("input", {bubbles: true}));""",
            name,
            value,
        )

    def paths(self, chart: str, kind: str = ".line") -> list[str]:
        """The drawn lines of the chart with this title."""
        return self.after_drawing(
            """const figure = [...document.querySelectorAll("[data-chart]")].find(one =>
                one.querySelector("h3 bdi").textContent === arguments[0]);
            return [...figure.querySelectorAll(`svg[role=img] ${arguments[1]}`)].map(one => one.getAttribute("d"));""",
            chart,
            kind,
        )


def points(path: str) -> list[list[float]]:
    """The places that the path of a line goes through, in pixels."""
    return [[float(number) for number in point.split()] for point in path.replace("M", "L").split("L")[1:]]


def end(path: str) -> float:
    """Where the path of a line ends on the x axis, in pixels."""
    return points(path)[-1][0]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    root = tmp_path_factory.mktemp("runs")
    sentences = {"one": HOSTILE, "two": "unbroken" * 60}
    runs = [
        make_run(root / NAME, steps=3000, spikes=(70,), not_finite=(100,), sentences=sentences),
        make_run(root / "slower", steps=2000, seed=1, seconds_per_step=0.8, sentences=SENTENCES),
    ]
    with (runs[0] / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 3000, "seconds": 1200.0, HOSTILE: 1.0}) + "\n")
    (runs[0] / "corpus.json").write_text(json.dumps({"speakers": [HOSTILE], "clips": "many"}))
    longer = make_run(root / "longer", steps=6000, seed=2, sentences=None, settings={"run": {"device": HOSTILE}})
    page = root / "curves.html"
    page.write_text(make_page(open_runs(runs), reference=open_reference(str(longer))), encoding="utf-8")
    with browser(tmp_path_factory.mktemp("browser")) as driver:
        driver.get(page.as_uri())
        yield Opened(driver, driver.get_log("browser"))


@pytest.fixture(autouse=True)
def afresh(opened: Opened) -> None:
    """Nothing chosen by the test before."""
    opened.run("sessionStorage.clear(); Storage.prototype.setItem = () => {}")  # which the page calls when it is left
    opened.driver.refresh()


def test_the_page_loads_without_complaint_and_without_a_network(opened: Opened) -> None:
    assert opened.log == []
    assert opened.driver.title.endswith("training curves")
    events = [json.loads(entry["message"])["message"] for entry in opened.driver.get_log("performance")]
    requests = [event["params"] for event in events if event["method"] == "Network.requestWillBeSent"]
    page = opened.driver.current_url
    urls = {request["request"]["url"] for request in requests if request["documentURL"] == page}
    assert {url for url in urls if not url.startswith("data:")} == {page}


def test_every_chart_that_is_not_folded_away_is_drawn(opened: Opened) -> None:
    empty = """return [...document.querySelectorAll("[data-chart]")].filter(figure => figure.checkVisibility())
        .filter(figure => !figure.querySelector("svg[role=img] :is(.line, .area)")?.getAttribute("d"))
        .map(figure => figure.textContent)"""
    assert opened.after_drawing(empty) == []
    opened.run("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert opened.after_drawing(empty) == [], "a chart is drawn when it is unfolded"


def test_smoothing_changes_the_drawn_line_and_leaves_the_thin_one(opened: Opened) -> None:
    opened.choose("smoothing", 30)
    thin, light = opened.paths("Mel", ".thin"), opened.paths("Mel", ".smoothed")
    opened.choose("smoothing", 80)
    assert opened.paths("Mel", ".thin") == thin
    heavy = opened.paths("Mel", ".smoothed")
    assert [one != other for one, other in zip(light, heavy, strict=True)] == [True] * 3  # two runs and the reference
    opened.choose("smoothing", 0)
    assert opened.paths("Mel", ".smoothed") == []


def test_smoothing_has_no_pull_towards_zero_and_halves_what_is_a_half_life_back(opened: Opened) -> None:
    assert opened.run("return smooth([10, 20, 30], [5, 5, 5], 10)") == [5, 5, 5]
    # Weights 1/4, 1/2, 1 where the half-life is the distance of the points.
    assert opened.run("return smooth([10, 20, 30], [8, 0, 4], 10)")[2] == pytest.approx((8 / 4 + 4) / 1.75)
    # One that was not finite is a gap, and what comes after it is not pulled by it.
    assert opened.run("return smooth([0, 10, 20], [6, null, 6], 5)") == [6, None, 6]


def test_a_run_that_is_switched_off_is_gone_from_every_chart(opened: Opened) -> None:
    count = "return document.querySelectorAll('svg[role=img] :is(.colour-1, .of-reference)').length"
    stacks = """return [...document.querySelectorAll('.chart:not([hidden])')].filter(one =>
        one.textContent.includes('slower')).length"""
    assert opened.after_drawing(count) > 50
    assert opened.run(stacks) == 1
    for run in (1, 2):
        opened.run(f"document.querySelector('[data-run=\"{run}\"]').click()")
    assert opened.after_drawing(count.replace(":is(", ":is(.line, .dot, .best):is(")) == 0
    assert opened.run(stacks) == 0
    assert opened.run("return document.querySelector('[data-run=\"1\"]').ariaPressed") == "false"
    assert len(opened.paths("Mel", ".smoothed")) == 1
    opened.run("document.querySelector('[data-run=\"1\"]').click()")
    assert len(opened.paths("Mel", ".smoothed")) == 2


def test_a_reference_that_is_longer_is_cut_at_the_end_of_the_runs_until_it_is_asked_for(opened: Opened) -> None:
    own, slower, reference = (end(path) for path in opened.paths("Mel", ".smoothed"))
    assert reference > 1.8 * own  # beyond the edge, where the clip cuts it
    assert slower == pytest.approx(own * 2 / 3, rel=0.15)
    opened.choose("range", "reference")
    longer, _, whole = (end(path) for path in opened.paths("Mel", ".smoothed"))
    assert whole == pytest.approx(own, rel=0.02)
    assert longer < 0.65 * own


def test_over_hours_a_slower_run_reaches_further(opened: Opened) -> None:
    faster, slower, _ = (end(path) for path in opened.paths("Mel", ".smoothed"))
    assert slower < faster
    opened.choose("axis", "hours")
    faster, slower, _ = (end(path) for path in opened.paths("Mel", ".smoothed"))
    assert slower > faster  # 2000 steps of 0.8 s and 3000 of 0.4 s


def test_the_scale_is_logarithmic_only_where_it_can_be(opened: Opened) -> None:
    logarithmic = opened.paths("KL", ".smoothed")
    opened.choose("scale", "linear")
    assert opened.paths("KL", ".smoothed") != logarithmic
    ticks = """const figure = [...document.querySelectorAll("[data-chart]")].find(one =>
        one.querySelector("h3 bdi").textContent === arguments[0]);
        return [...figure.querySelectorAll("text[text-anchor=end]")].filter(one => one.getAttribute("x") < 60)
        .map(one => Number(one.textContent))"""
    kl = opened.after_drawing(ticks, "KL")
    assert {round(b - a, 6) for a, b in itertools.pairwise(kl)} == {round(kl[1] - kl[0], 6)}
    opened.choose("scale", "log")
    kl = opened.after_drawing(ticks, "KL")
    assert len({round(b / a, 1) for a, b in itertools.pairwise(kl)}) <= 2
    assert opened.after_drawing(ticks, "scale_1")[:5] == [0, 0.25, 0.5, 0.75, 1], "a share stays linear, and whole"


def test_ticks_that_are_close_together_are_told_apart(opened: Opened) -> None:
    # A learning rate that has fallen by less than a thousandth.
    assert opened.run("return shownApart([1.9985e-4, 1.999e-4, 1.9995e-4, 2e-4])") == [
        *("1.9985e-4", "1.999e-4", "1.9995e-4", "2e-4"),
    ]
    assert opened.run("return shownApart([0, 0.25, 0.5])") == ["0", "0.25", "0.5"]


def test_a_spike_and_a_value_that_was_not_finite_are_seen(opened: Opened) -> None:
    heights = [y for _, y in points(opened.paths("Gradients of the generator", ".thin")[0])]
    assert min(heights[60:]) < min(heights[:60]) - 20  # pixels: 50 times the norm, above the whole beginning
    assert len(opened.paths("Gradients of the generator", ".gap")) == 1
    told = "return document.querySelector('svg[role=img] .gap title').textContent"
    assert opened.run(told) == "not finite at step 2\u202f000"


def test_values_are_read_by_mouse_and_by_keys(opened: Opened) -> None:
    opened.after_drawing("document.querySelector('[data-chart=\"0\"] svg[role=img]').focus()")
    read = """const figure = document.querySelector('[data-chart="0"]'), readout = figure.querySelector("output");
        const svg = figure.querySelector("svg[role=img]");
        if (arguments[0]) svg.dispatchEvent(new KeyboardEvent("keydown", {key: arguments[0]}));
        return readout.hidden ? null : [readout.querySelector("strong").textContent,
            ...[...readout.querySelectorAll("span")].map(row => row.querySelector("i").textContent)]"""
    assert opened.run(read, "") is None
    heading, *rows = opened.run(read, "End")
    assert heading == "step 3\u202f000 · 0.333 h"
    shown = [f"{printable(NAME)}: training", f"{printable(NAME)}: validation", "reference longer: training"]
    assert rows == [*shown, "reference longer: validation"]  # the other run has ended before
    assert opened.run(read, "ArrowLeft")[0] == "step 2\u202f980 · 0.331 h"
    assert opened.run(read, "Escape") is None
    at = """const svg = document.querySelector('[data-chart="0"] svg[role=img]'), box = svg.getBoundingClientRect();
        svg.dispatchEvent(new PointerEvent(arguments[0], {clientX: box.left + arguments[1] * box.width,
            clientY: box.top + 50, pointerType: "touch", bubbles: true}));"""
    opened.run(at, "pointerdown", 0.5)
    middle = opened.run(read, "")
    assert len(middle) == 7
    assert 1200 < int(middle[0].split("·")[0].removeprefix("step").replace("\u202f", "")) < 1700


def test_the_slider_changes_the_pictures(opened: Opened) -> None:
    def shown() -> list[Any]:
        return opened.driver.execute_async_script(
            """const done = arguments[0], images = [...document.querySelectorAll("[data-kind] img")];
            Promise.all(images.map(image => image.decode())).then(() => done([
                document.getElementById("validation-shown").textContent,
                ...images.map(image => [image.src, image.alt, image.naturalWidth])]));"""
        )

    def slide(place: int) -> None:
        opened.run(
            """const slider = document.getElementById("pictures").elements.validation; slider.value = arguments[0];
            slider.dispatchEvent(new Event("input", {bubbles: true}));""",
            place,
        )

    newest = shown()
    assert newest[0] == "step 3\u202f000 (7 of 7)"
    slide(0)
    first = shown()
    assert first[0] == "step 0 (1 of 7)"
    for before, after, kind in zip(newest[1:], first[1:], ("Alignment", "Mel spectrogram"), strict=True):
        assert before[0] != after[0]
        assert after[1].startswith(f"{kind} of “{printable(HOSTILE, 80)}")
        assert after[2] > 200
    opened.run(
        """const list = document.getElementById("pictures").elements.run; list.value = 1;
        list.dispatchEvent(new Event("change", {bubbles: true}));"""
    )
    assert shown()[0] == "step 2\u202f000 (5 of 5)"


@pytest.mark.parametrize(("label", "hertz"), [("one, recorded", 100), ("LJ001-0002, slower, step 2000", 220)])
def test_a_player_plays_its_voice(opened: Opened, label: str, hertz: int) -> None:
    state = opened.driver.execute_async_script(
        """const [label, done] = arguments;
        const audio = document.querySelector(`audio[aria-label="${label}"]`);
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
            done({duration: audio.duration, hertz: crossings / samples.length * sound.sampleRate});
        });
        audio.play().catch(error => done({error: String(error)}));""",
        label,
    )
    assert "error" not in state
    assert state["duration"] == pytest.approx(1.5, abs=0.06)
    assert state["hertz"] == pytest.approx(hertz, abs=5)


def test_hostile_names_and_texts_are_shown_and_do_nothing(opened: Opened) -> None:
    opened.run("for (const fold of document.querySelectorAll('details')) fold.open = true")
    texts = opened.after_drawing("return [...document.querySelectorAll('bdi')].map(element => element.textContent)")
    assert printable(HOSTILE, 500) in texts  # the sentence
    assert printable(HOSTILE, 80) in texts  # the scalar
    assert printable(HOSTILE, 300) in texts  # the setting, and the speaker
    assert printable(NAME, 80) in texts
    assert opened.run("return [window.hostile, document.scripts.length, document.images.length]") == [None, 2, 2]


def test_choices_and_place_outlast_a_reload(opened: Opened) -> None:
    opened.choose("smoothing", 70)
    opened.choose("axis", "hours")
    opened.run("document.querySelector('[data-run=\"1\"]').click()")
    opened.run("document.getElementById('settings-1').open = true")
    opened.run("document.getElementById('pictures').elements.validation.value = 2")
    opened.run("document.getElementById('pictures').elements.validation.dispatchEvent(new Event('input'))")
    opened.run("scrollTo(0, 1500)")
    kept = """const form = document.getElementById("controls").elements; return [form.smoothing.value, form.axis.value,
        document.querySelector('[data-run="1"]').ariaPressed, document.getElementById("settings-1").open,
        document.getElementById("validation-shown").textContent, Math.round(scrollY)]"""
    before = opened.run(kept)
    opened.driver.refresh()
    assert opened.after_drawing(kept) == before
    assert before[:5] == ["70", "hours", "false", True, "step 1\u202f000 (3 of 7)"]
    assert before[5] > 1000


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_fits_a_phone_in_both_themes(opened: Opened, theme: str) -> None:
    with phone(opened.driver, theme):
        opened.run("for (const fold of document.querySelectorAll('details')) fold.open = true")
        assert opened.after_drawing("return document.documentElement.scrollWidth") <= 360
        too_wide = opened.run(
            """return [...document.querySelectorAll("body *")].filter(element => !element.closest("clipPath, g"))
            .filter(element => element.getBoundingClientRect().right > 361)
            .map(element => element.outerHTML.slice(0, 80))"""
        )
        assert too_wide == []
        colours = """const style = element => getComputedStyle(element);
            const line = document.querySelector("svg[role=img] .line");
            return [style(document.body).backgroundColor, style(document.body).color, style(line).stroke]"""
        paper, ink, line = opened.run(colours)
        light = [
            sum(int(part) for part in colour.removeprefix("rgb(").rstrip(")").split(",")) for colour in (paper, ink)
        ]
        assert (light[0] > light[1]) == (theme == "light")
        assert line == {"light": "rgb(72, 119, 194)", "dark": "rgb(84, 147, 243)"}[theme]


def test_nothing_else_can_run_or_be_fetched(opened: Opened) -> None:
    assert foreign_content(opened.driver) == (None, ["connect-src", "img-src", "script-src-elem"])


def test_a_page_that_is_watched_follows_the_training(opened: Opened, tmp_path: Path) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    run = make_run(tmp_path / "going", steps=400, sentences=None)
    server = serve(WatchedPage([run], lambda version: make_page(open_runs([run]), version=version)), port=0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = opened.driver.current_url
    try:
        opened.driver.get(f"http://127.0.0.1:{server.server_port}/")
        opened.driver.get_log("browser")
        opened.choose("smoothing", 66)
        with (run / "metrics.jsonl").open("a") as file:
            file.write('{"step": 420, "seconds": 170, "loss/generator/mel": 0.5}\n')
        WebDriverWait(opened.driver, 15).until(lambda driver: driver.execute_script("return facts.runs[0].last") == 420)
        assert opened.run("return document.getElementById('controls').elements.smoothing.value") == "66"
        assert opened.driver.get_log("browser") == []
    finally:
        opened.driver.get(page)
        server.shutdown()
        server.server_close()
