"""Every row of the fault table, with counts that take less than a minute each; `python -m tests.faults` has all."""

from pathlib import Path

import pytest

from tests.faults.fault import Fault, all_faults


def _row(fault: Fault) -> object:
    return pytest.param(fault, id=fault.name, marks=[pytest.mark.slow] if fault.slow else [])


@pytest.mark.parametrize("fault", [_row(fault) for fault in all_faults()])
def test_what_must_hold_after_a_fault_holds(fault: Fault, tmp_path: Path) -> None:
    assert list(fault.inject(fault.times_in_ci, tmp_path).failures) == []
