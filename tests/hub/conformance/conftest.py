"""Every test of this folder runs in both encodings, unless it is about one of them."""

from __future__ import annotations

import pytest

from .wire import ENCODINGS


@pytest.fixture(params=ENCODINGS)
def encoding(request: pytest.FixtureRequest) -> str:
    """``json`` or ``protobuf``."""
    return request.param
