"""Tests of this folder that are about what is sent run in both encodings."""

from __future__ import annotations

import pytest

from ..conformance.wire import ENCODINGS


@pytest.fixture(params=ENCODINGS)
def encoding(request: pytest.FixtureRequest) -> str:
    """``json`` or ``protobuf``."""
    return request.param
