"""Steps whose gradients were not finite are known at the next report, and are recorded with what makes them again."""

import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from configs import InputError
from tests.voices.random_voice import small_config
from training import broken_steps
from training.broken_steps import BrokenStep, RecentSteps, newest_record, read_record, write_records
from training.random_state import noise_state


def norms(discriminator: float, synthesizer: float) -> dict[str, Tensor]:
    return {"discriminator": torch.tensor(discriminator), "synthesizer": torch.tensor(synthesizer)}


def broken(step: int, *ids: str) -> BrokenStep:
    return BrokenStep(step, ids, tuple(noise_state(torch.device("cpu"))), {"synthesizer": math.nan})


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])  # AdamW cannot square the last one
def test_steps_are_kept_until_they_are_read_and_those_that_were_skipped_are_told(value: float) -> None:
    recent = RecentSteps()
    own = norms(1.0, 2.0)
    for step in range(1, 6):
        torch.manual_seed(step)
        noise = noise_state(torch.device("cpu"))
        own["synthesizer"].fill_(value if step in (2, 5) else 1.0)  # as a recorded step overwrites its result
        recent.add(step, [f"clip-{step}"], noise, own)
    found = recent.read()
    assert [(one.step, one.ids) for one in found] == [(2, ("clip-2",)), (5, ("clip-5",))]
    assert found[0].gradient_norms["discriminator"] == 1.0
    assert not math.isfinite(torch.tensor(found[0].gradient_norms["synthesizer"]).square().item())
    torch.manual_seed(2)
    assert torch.equal(found[0].noise[0], torch.get_rng_state())
    assert recent.read() == []


def test_a_network_may_begin_to_be_updated_between_two_reports() -> None:
    recent, noise = RecentSteps(), noise_state(torch.device("cpu"))
    recent.add(1, ["a"], noise, {"generator": torch.tensor(math.inf)})
    recent.add(2, ["b"], noise, {"discriminator": torch.tensor(1.0), "generator": torch.tensor(2.0)})
    recent.add(3, ["c"], noise, {"discriminator": torch.tensor(math.nan), "generator": torch.tensor(3.0)})
    first, second = recent.read()
    assert (first.step, first.gradient_norms) == (1, {"generator": math.inf})
    assert (second.step, second.gradient_norms["generator"]) == (3, 3.0)
    assert math.isnan(second.gradient_norms["discriminator"])


def test_no_more_than_the_newest_steps_are_kept_and_the_first_broken_ones_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(broken_steps, "_MOST_AT_ONCE", 3)
    recent = RecentSteps()
    for step in range(1, 1011):
        recent.add(step, [], [], norms(math.nan, 1.0))
    assert [one.step for one in recent.read()] == [11, 12, 13]


def test_a_record_reads_back_as_it_was_for_each_rank(tmp_path: Path) -> None:
    config = small_config()
    of_ranks = [[broken(7, "ä", "b"), broken(9, "e")], [broken(7, "c"), broken(9, "f")]]
    write_records(tmp_path, of_ranks, config, from_seed=True)
    for rank, parts in enumerate(of_ranks):
        read = read_record(tmp_path, 7, rank=rank, ranks=2)
        assert read.broken.ids == parts[0].ids
        assert torch.equal(read.broken.noise[0], parts[0].noise[0])
        assert math.isnan(read.broken.gradient_norms["synthesizer"])
        assert (read.config, read.from_seed) == (config, True)
    assert newest_record(tmp_path) == 9
    written = json.loads((tmp_path / "broken_steps" / "00000007.json").read_text())
    assert (written["step"], written["seed"], written["gradient_norms"]) == (7, 1234, {"synthesizer": "nan"})


def test_the_newest_records_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broken_steps, "_MOST_RECORDS", 2)
    write_records(tmp_path, [[broken(step) for step in (3, 4, 5)]], small_config(), from_seed=False)
    assert sorted(path.name for path in (tmp_path / "broken_steps").iterdir()) == ["00000004.json", "00000005.json"]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"step": 3}', '{"ranks": [{"ids": 3}]}', "\udcff", "[" * 100_000]
)
def test_a_damaged_record_is_refused_in_a_sentence(tmp_path: Path, content: str) -> None:
    write_records(tmp_path, [[broken(3, "a")]], small_config(), from_seed=True)
    (tmp_path / "broken_steps" / "00000003.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=r"00000003\.json: is damaged"):
        read_record(tmp_path, 3)


def test_a_step_that_was_not_recorded_is_refused_with_those_that_were(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="whose gradients were not finite: none"):
        read_record(tmp_path, 3)
    write_records(tmp_path, [[broken(4, "a"), broken(12, "a")]], small_config(), from_seed=True)
    with pytest.raises(InputError, match="whose gradients were not finite: 4, 12"):
        read_record(tmp_path, 3)
    with pytest.raises(InputError, match="step 4 was made by 1 processes, and these are 2"):
        read_record(tmp_path, 4, rank=1, ranks=2)
