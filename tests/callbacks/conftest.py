"""A refresher over a fake store of snapshots."""

from __future__ import annotations

import pytest

from callbacks.deps import Deps
from callbacks.live import Refresher
from core.clock import ManualClock
from tests.callbacks.parts import FakeStore, make_deps


@pytest.fixture
def deps(clock: ManualClock) -> Deps:
    return make_deps(clock)


@pytest.fixture
def store(deps: Deps) -> FakeStore:
    assert isinstance(deps.store, FakeStore)
    return deps.store


@pytest.fixture
def refresher(deps: Deps) -> Refresher:
    return Refresher(deps)
