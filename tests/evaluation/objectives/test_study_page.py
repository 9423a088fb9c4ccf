"""The page of a study: complete, self-contained, safe whatever names it shows, and readable on a phone."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluation.objectives.conclusion import conclude
from evaluation.objectives.page import write_page
from evaluation.objectives.picture import write_picture
from evaluation.objectives.results import Study, write_study
from tests.browser import browser, foreign_content, phone
from tests.evaluation.objectives.made_studies import WHY, make_study

HOSTILE = "</script><img src=x onerror=alert(1)>\u202e$x_1$"
ARMS = f"least_squares,worse:least_squares+loss.kl=2,{HOSTILE}:least_squares+loss.kl=3"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def study(folder: Path) -> Study:
    """A study with hostile names, of which page, picture and JSON are in the folder."""
    made, asked = make_study(
        folder,
        ARMS,
        worse={"worse": 0.4},
        diverged={"worse": 1},
        overrides=("data.root=<script>alert(2)</script>",),
        texts="<b>Bold</b> & brave",
        note="<i>no pesq</i>",
    )
    conclusion = conclude(made)
    write_study(made, conclusion, folder / "study.json")
    write_picture(made, folder / "study.png")
    write_page(made, conclusion, asked.runs, folder / "index.html")
    return made


@pytest.fixture(scope="module")
def page(study: Study, folder: Path) -> str:
    return (folder / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def test_hostile_names_are_text(page: str) -> None:
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert "<b>Bold" not in page
    assert "<i>no pesq" not in page
    assert "\u202e" not in page
    assert html.escape("</script><img src=x onerror=alert(1)>") + "⟨U+202E⟩" in page
    assert len(re.findall(r"<script\b", page)) == 2


def test_every_mean_and_interval_and_every_sentence_of_the_conclusion_is_on_it(study: Study, page: str) -> None:
    for sentence in conclude(study):
        assert html.escape(sentence.replace("\u202e", "⟨U+202E⟩")).replace("&#x27;", "&#39;") in page
    for metric in study.metrics:
        for one in metric.estimates.values():
            low, high = (f"{end:#.3g}".rstrip(".") for end in (one.low, one.high))
            assert f"[{low}, {high}]" in page
    assert WHY in page


def test_the_json_has_what_the_page_shows(study: Study, folder: Path) -> None:
    found = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    assert found["conclusion"] == conclude(study)
    assert found["runs"][1] | {"cost": None} == {
        "objective": "worse",
        "seed": 1,
        "ended": "diverged",
        "step": 340,
        "why": WHY,
        "cost": None,
        "settings": "runs/worse-1/config.toml",
        "curves": "runs/worse-1/metrics.jsonl",
        "evaluation": None,
        "metrics": {},
    }
    assert (folder / found["runs"][1]["curves"]).is_file()
    (seen,) = (one for one in found["comparisons"] if one["objective"] == "worse" and "mel" in one["metric"])
    assert seen["larger_than_seeds"] is True
    assert found["resolved"]["train"]["batch_size" if "batch_size" in found["resolved"]["train"] else "steps"]


def test_the_picture_is_a_png_that_draws_names_with_dollars(study: Study, folder: Path) -> None:
    assert (folder / "study.png").read_bytes().startswith(b"\x89PNG")


def test_the_curves_are_means_over_seeds(study: Study, page: str, folder: Path) -> None:
    facts = json.loads(re.search(r'id="facts">(.*?)</script>', page, re.S)[1])  # type: ignore[index]
    assert [run["name"] for run in facts["runs"]][:2] == ["least_squares", "worse"]
    lines = [
        [json.loads(line) for line in (folder / f"runs/least_squares-{seed}/metrics.jsonl").read_text().splitlines()]
        for seed in (1, 2, 3)
    ]
    last = [next(row["validation/mel"] for row in reversed(own) if "validation/mel" in row) for own in lines]
    assert facts["runs"][0]["curves"]["validation/mel"][1][-1] == pytest.approx(sum(last) / 3, rel=1e-4)
    drawn = [chart["series"][0]["curve"] for chart in facts["charts"]]
    titles = re.findall(r'data-chart="(\d+)">\s*<figcaption><h3>([^<]*)', page)
    assert [facts["charts"][int(number)]["title"] for number, _ in titles] == [title for _, title in titles]
    assert "validation/score" in drawn
    assert not any("adversarial" in curve for curve in drawn)


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_nothing_is_cut_off_and_every_chart_is_drawn(
    study: Study, folder: Path, driver: Any, theme: str
) -> None:
    with phone(driver, theme):
        driver.get((folder / "index.html").as_uri())
        assert driver.execute_script("return document.documentElement.scrollWidth") == 360
        cut = driver.execute_script(
            "return [...document.querySelectorAll('.table')].filter(each => each.scrollWidth > each.clientWidth).length"
        )
        assert cut == 0
        driver.execute_async_script("setTimeout(arguments[0], 300)")
        empty = driver.execute_script(
            "return [...document.querySelectorAll('.chart > svg')].filter(svg => !svg.querySelector('.line')).length"
        )
        assert empty == 0
        background = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", background))) < 3 * 128) == (theme == "dark")
    assert not driver.get_log("browser")


@pytest.mark.slow
def test_a_browser_runs_nothing_but_the_page_s_own_script(study: Study, folder: Path, driver: Any) -> None:
    driver.get((folder / "index.html").as_uri())
    value, refused = foreign_content(driver)
    assert value is None
    assert any(rule.startswith("script-src") for rule in refused)
    driver.get_log("browser")  # the refusals
