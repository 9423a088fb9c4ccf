"""What a listening test is made of, and what its results say."""

import base64
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from configs import InputError
from data.report.player import data_uri
from evaluation.listen.__main__ import main
from evaluation.listen.items import Prompt, held_out_sentences, load_voices, make_items
from evaluation.listen.page import write_page
from evaluation.listen.results import read_results, results_table
from evaluation.listen.sound import HIGHEST_PEAK, LOUDNESS_LUFS, loudness_matched, low_anchor
from infer import Voice
from tests.clients.exported_voice import write_random_voice
from tests.evaluation.listening_items import RATE, SYSTEMS, tone, tone_items

pyloudnorm = pytest.importorskip("pyloudnorm")


def speechlike(seconds: float, seed: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Noise that swells and fades, quieter for higher seeds."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).normal(scale=0.1 / seed, size=len(time))
    return (noise * np.abs(np.sin(3 * time))).astype(np.float32)


def test_versions_are_equally_loud_by_another_implementation_of_the_standard() -> None:
    matched = loudness_matched([speechlike(3, 1), speechlike(5, 7), tone(300, 2)], [RATE] * 3)
    meter = pyloudnorm.Meter(RATE)
    assert [meter.integrated_loudness(audio) for audio in matched] == pytest.approx([LOUDNESS_LUFS] * 3, abs=0.1)


def test_where_one_version_would_clip_all_are_lowered_alike() -> None:
    click = speechlike(3, 1)
    click[1000] = 40.0
    matched = loudness_matched([click, tone(300, 2)], [RATE] * 2)
    assert np.abs(matched[0]).max() == pytest.approx(HIGHEST_PEAK)
    meter = pyloudnorm.Meter(RATE)
    one, other = (meter.integrated_loudness(audio) for audio in matched)
    assert one == pytest.approx(other, abs=0.1)
    assert one < LOUDNESS_LUFS - 3


def test_what_has_no_loudness_stays_as_it_is() -> None:
    short, silent = tone(300, 0.2), np.zeros(RATE, np.float32)
    assert all(
        np.array_equal(*pair)
        for pair in zip(loudness_matched([short, silent], [RATE] * 2), (short, silent), strict=True)
    )
    assert not loudness_matched([silent], [RATE])[0].any()


@pytest.mark.parametrize("rate", [16000, 22050, 48000])
def test_the_anchor_is_the_low_pass_of_the_standard(rate: int) -> None:
    impulse = np.zeros(1 << 13, np.float32)
    impulse[len(impulse) // 2] = 1
    gain_db = 20 * np.log10(np.abs(np.fft.rfft(low_anchor(impulse, rate))) + 1e-9)
    hertz = np.fft.rfftfreq(len(impulse), 1 / rate)
    assert np.abs(gain_db[hertz <= 3500]).max() <= 0.1
    assert gain_db[hertz >= 4000].max() <= -25
    assert gain_db[hertz >= 4500].max() <= -50
    assert np.argmax(np.abs(low_anchor(impulse, rate))) == len(impulse) // 2  # nothing moves in time


@pytest.mark.parametrize(("rate", "heard"), [(22050, 22050), (20000, 22050)])
def test_what_a_page_carries_sounds_as_it_did(rate: int, heard: int) -> None:
    audio = tone(300, 2) + tone(1234, 2)
    for lossless in (False, True):
        uri = data_uri(audio, rate, "flac" if lossless else "best mp3")
        decoded, decoded_rate = soundfile.read(io.BytesIO(base64.b64decode(uri.partition(",")[2])), dtype="float32")
        assert decoded_rate == (rate if lossless else heard)
        assert len(decoded) / decoded_rate == pytest.approx(len(audio) / rate, abs=1e-3)
        if lossless:
            assert np.abs(decoded - audio).max() <= 1 / 32767
        elif rate == heard:
            assert np.corrcoef(decoded, audio)[0, 1] > 0.99


SHORT = tuple((name, kind, hertz, 0.05) for name, kind, hertz, _ in SYSTEMS)  # quickly encoded


def page_of(path: Path, **how: Any) -> tuple[dict[str, Any], dict[str, Any], str]:
    """What a page is told, its decoded key, and its HTML without that."""
    write_page(tone_items(systems=SHORT), path, lossless=True, **how)
    page = path.read_text()
    found = re.search(r'<script type="application/json" id="test">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    test = json.loads(found[1])
    return test, json.loads(base64.b64decode(test["key"])), page.replace(test["key"], "")


def test_nothing_but_the_key_tells_who_speaks(tmp_path: Path) -> None:
    test, key, rest = page_of(tmp_path / "listen.html")
    assert [system["name"] for system in key["systems"]] == [name for name, *_ in SYSTEMS]
    assert not re.search("mockingbird|zebrafinch|anchor", rest)
    assert {len(trial["clips"]) for trial in test["ratings"]} == {4}


def test_every_version_lies_anywhere_in_the_page(tmp_path: Path) -> None:
    ranks: dict[int, set[int]] = {}
    for seed in range(30):
        test, key, _ = page_of(tmp_path / "listen.html", seed=seed)
        for trial in [*test["ratings"], *test["pairs"]]:
            items, systems = zip(*(key["clips"][clip] for clip in trial["clips"]), strict=True)
            assert len(set(items)) == 1  # all of one sentence
            for rank, system in enumerate(systems):
                ranks.setdefault(len(systems) * 10 + system, set()).add(rank)
    assert ranks == {40: {0, 1, 2, 3}, 41: {0, 1, 2, 3}, 42: {0, 1, 2, 3}, 43: {0, 1, 2, 3}, 20: {0, 1}, 21: {0, 1}}


def test_the_same_seed_makes_the_same_page(tmp_path: Path) -> None:
    assert page_of(tmp_path / "a.html", seed=3) == page_of(tmp_path / "b.html", seed=3)
    assert page_of(tmp_path / "a.html", seed=3) != page_of(tmp_path / "b.html", seed=4)


def test_a_voice_that_is_alone_is_held_against_the_recording(tmp_path: Path) -> None:
    write_page(tone_items(2, (SHORT[0], *SHORT[2:])), tmp_path / "listen.html")
    page = (tmp_path / "listen.html").read_text()
    assert "First 2 pairs" in page
    assert "Then 2 sentences in 3 versions each" in page


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("voices")
    return [write_random_voice(folder / name, "vocos", graphemes=True) for name in ("mockingbird", "zebrafinch")]


def test_voices_are_called_by_what_tells_them_apart(voices: list[Path], tmp_path: Path) -> None:
    assert list(load_voices(voices, "cpu")) == ["mockingbird", "zebrafinch"]
    shutil.copytree(voices[0].parent, tmp_path / "recording")  # which a page calls something else
    assert list(load_voices([tmp_path / "recording", voices[1]], "cpu")) == [
        str(tmp_path / "recording"),
        str(voices[1]),
    ]
    for version in ("ann.v1.5", "ann.v1.6"):
        shutil.copytree(voices[0].parent, tmp_path / version)
    assert list(load_voices([tmp_path / "ann.v1.5", tmp_path / "ann.v1.6"], "cpu")) == ["ann.v1.5", "ann.v1.6"]
    with pytest.raises(InputError, match="given twice"):
        load_voices([voices[0], voices[0]], "cpu")


def test_a_sentence_that_one_voice_cannot_say_is_left_out_for_all(voices: list[Path]) -> None:
    loaded = load_voices(voices, "cpu")
    sentences = [Prompt("one", "the doctor slept"), Prompt("two", "猫"), Prompt("three", "others slept")]
    with pytest.warns(UserWarning, match=r"left out: two: there is nothing to speak"):
        items = make_items(loaded, sentences, seed=1)
    assert [(item.id, len(item.versions)) for item in items] == [("one", 2), ("three", 2)]
    with pytest.warns(UserWarning, match="left out"), pytest.raises(InputError, match="no sentence can be spoken"):
        make_items(loaded, sentences[1:2], seed=1)


def corpus(folder: Path) -> Path:
    (folder / "wavs").mkdir(parents=True)
    rows = [f"clip{number}|The doctor said good morning to others." for number in range(20)]
    (folder / "metadata.csv").write_text("\n".join(rows))
    for number in range(20):  # of which a tenth is held out
        soundfile.write(folder / "wavs" / f"clip{number}.wav", speechlike(3, number + 1), RATE)
    return folder


def test_the_command_makes_a_test_of_held_out_recordings(
    voices: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # where the cache of prepared recordings goes
    data = corpus(tmp_path / "corpus")
    asked = [*map(str, voices), "--data", str(data), "--sentences", "2", "--device", "cpu", "-o", "page.html"]
    monkeypatch.setattr("sys.argv", ["listen", *asked])
    assert main() == 0, capsys.readouterr().err
    assert "page.html: 2 sentences by 2 voices" in capsys.readouterr().out
    page = Path("page.html").read_text()
    key = json.loads(base64.b64decode(re.search(r'"key": "([^"]+)"', page)[1]))  # type: ignore[index]
    assert [system["kind"] for system in key["systems"]] == ["voice", "voice", "recording", "anchor"]
    assert len(key["clips"]) == 8
    rate = Voice.load(voices[0]).sample_rate
    clips = re.findall(r'"data:audio/mpeg;base64,([^"]+)"', page)
    rates = {soundfile.info(io.BytesIO(base64.b64decode(clip))).samplerate for clip in clips}
    assert rates == {rate}


def test_recordings_are_read_as_the_voice_reads_them(voices: list[Path], tmp_path: Path) -> None:
    voice = Voice.load(voices[0], "cpu")
    other = tmp_path / "other.toml"
    lines = (f'root = "{corpus(tmp_path / "corpus")}"', f'cache = "{tmp_path / "cache"}"', 'front_end = "espeak"')
    other.write_text("\n".join(['run.dir = "runs/other"', "[data]", *lines, 'level = "lufs"', "level_db = -40"]))
    for held in held_out_sentences(voice, other, 1):
        recorded, _ = soundfile.read(tmp_path / "corpus" / "wavs" / f"{held.id}.wav", dtype="float32")
        expected = soxr.resample(recorded, RATE, voice.sample_rate)
        assert held.recorded is not None
        assert np.std(held.recorded) == pytest.approx(np.std(expected), rel=0.02)  # at its own level


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ([], "0 voices: give from 1 to 7, or --results FILE"),
        (["{voice}", "--text", "lines.txt"], "give it no --data, and two voices or more"),
        (["{voice}", "{other}", "--text", "nowhere.txt"], "nowhere.txt: cannot be read as lines of text"),
        (["{voice}", "{other}", "--sentences", "0"], "--sentences 0: a test has one or more"),
        (["{voice}", "--results", "a.json"], "give voices to make a test, or --results to read one, not both"),
        (["--results", "nowhere.json"], "nowhere.json: cannot be read"),
        (["{voice}"], "say where they are with --data FOLDER"),
    ],
)
def test_a_mistake_is_one_sentence(
    asked: list[str],
    message: str,
    voices: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    filled = [word.format(voice=voices[0], other=voices[1]) for word in asked]
    monkeypatch.setattr("sys.argv", ["listen", *filled, "--device", "cpu"])
    assert main() == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error


def saved(listener: str, scores: list[dict[str, int]], preferred: list[str | None], **other: Any) -> dict[str, Any]:
    """A result file as the page writes it."""
    return {
        "format": "parlance-listening-1",
        "test": "abc",
        "listener": listener,
        "saved": "2024-05-01T10:00:00.000Z",
        "systems": [{"name": name, "kind": kind} for name, kind, *_ in SYSTEMS],
        "pairs": [
            {"item": f"id{place}", "text": "A.", "first": "zebrafinch", "second": "mockingbird", "preferred": one}
            for place, one in enumerate(preferred)
        ],
        "ratings": [{"item": f"id{place}", "text": "A.", "scores": one} for place, one in enumerate(scores)],
    } | other


def written(folder: Path, *files: dict[str, Any]) -> list[Path]:
    paths = [folder / f"{number}.json" for number, _ in enumerate(files)]
    for path, content in zip(paths, files, strict=True):
        path.write_text(json.dumps(content))
    return paths


def test_results_are_told_as_means_differences_and_preferences(tmp_path: Path) -> None:
    ann = [{"mockingbird": 60 + place, "zebrafinch": 40, "recording": 100, "anchor": 20} for place in range(10)]
    ben = [{"mockingbird": 50, "zebrafinch": 45, "recording": 30, "anchor": 10}]
    preferred = ["mockingbird"] * 8 + ["zebrafinch"] * 2 + [None]
    files = written(tmp_path, saved("ann", ann, preferred), saved("ben", ben, []))
    table = results_table(read_results(files))
    assert table.startswith("2 listeners, 1 test\n")
    rows = [line.split() for line in table.splitlines()[3:7]]
    assert [(row[0], row[1], row[-1]) for row in rows] == [
        ("recording", "93.6", "11"),  # (10 * 100 + 30) / 11
        ("mockingbird", "63.2", "11"),
        ("zebrafinch", "40.5", "11"),
        ("anchor", "19.1", "11"),
    ]
    assert "mockingbird minus zebrafinch: +22.7, 95 % interval" in table
    # Wilson's interval of 8 of 10, and the binomial test against a coin: by hand.
    assert "mockingbird over zebrafinch: 8 of 10, 80%, 95 % interval 49% to 94%, p = 0.109" in table
    assert "1 without a preference" in table
    assert "ben gave the hidden recording less than 90 in 1 of 1 sentences" in table
    assert "ann gave" not in table
    assert "those of a listener are alike" in table
    assert "alike" not in results_table(read_results(files[:1]))


def test_of_two_files_of_one_listener_the_last_saved_counts(tmp_path: Path) -> None:
    early = saved("ann", [{"mockingbird": 10}], [], saved="2024-05-01T09:00:00.000Z")
    late = saved("ann", [{"mockingbird": 90}], [])
    for order in ((early, late), (late, early)):
        (found,) = read_results(written(tmp_path, *order))
        assert found.ratings[0].scores == {"mockingbird": 90}
    assert len(read_results(written(tmp_path, saved("", [], []), saved("", [], [])))) == 2  # two without a name


@pytest.mark.parametrize(
    "spoilt",
    [
        {"format": "other"},
        {"ratings": [{"item": "id0", "text": "A.", "scores": {"mockingbird": 101}}]},
        {"ratings": [{"item": "id0", "text": "A.", "scores": {"nobody": 10}}]},
        {
            "pairs": [
                {"item": "id0", "text": "A.", "first": "anchor", "second": "zebrafinch", "preferred": "mockingbird"}
            ]
        },
        {"listener": None},
    ],
)
def test_a_file_that_is_no_result_is_refused_by_its_name(spoilt: dict[str, Any], tmp_path: Path) -> None:
    (path,) = written(tmp_path, saved("ann", [], []) | spoilt)
    with pytest.raises(InputError, match=r"0\.json: is not what a listening page saves"):
        read_results([path])
