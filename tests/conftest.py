"""What every test shares."""

import pytest
import torch

# The tensors here are small: on a busy machine a second thread costs far more in waiting than it saves in work.
torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow tests, so that no process is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
