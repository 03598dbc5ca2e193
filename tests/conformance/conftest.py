from __future__ import annotations

import pytest

from .lines import SIDES, Side


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest) -> Side:
    """What the subject plays: each case that asks for it runs as server and as client."""
    return request.param
