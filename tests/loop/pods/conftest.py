"""Forwards to pods that a test plays, for all tests of them."""

from collections.abc import Iterator

import pytest

from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from tests.loop.pods.forwards import Trial


@pytest.fixture
def trial(store: Store, logs: LogStore) -> Iterator[Trial]:
    trial = Trial(store, logs)
    yield trial
    trial.close()
