"""What every test shares."""

import os

import pytest
import torch
from hypothesis import settings

# The tensors here are small: on a busy machine a second thread costs far more in waiting than it saves in work.
torch.set_num_threads(1)

# A change is judged by the same examples every time; `HYPOTHESIS_PROFILE=search make test` looks for new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("search", derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow tests, so that no process is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
