"""Where clients run."""

import os

import pytest

from tests.clients.exports import OFFLINE


@pytest.fixture(scope="session")
def offline() -> dict[str, str]:
    """An environment in which a client that asks the network for anything is refused at once."""
    return {**os.environ, **OFFLINE, "OMP_NUM_THREADS": "1"}
