from __future__ import annotations

import pytest

from .lines import SIDES, Side


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> Side:
    """What the subject plays, with a coroutine and with a listener behind it."""
    return request.param


@pytest.fixture(params=("server", "client"))
def role(request: pytest.FixtureRequest) -> Side:
    """What the subject plays, for long tables of cases in which it is all one what stands behind it."""
    return request.param
