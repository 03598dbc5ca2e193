"""The SDKs that each test of this folder runs with."""

from __future__ import annotations

import pytest

from .client import SDK
from .javascript_sdk import NodeSDK
from .python_sdk import PythonSDK

SDKS: list[SDK] = [
    PythonSDK("json"),
    PythonSDK("protobuf"),
    NodeSDK("json"),
    NodeSDK("protobuf"),
    NodeSDK("json", "http_stream"),
]


@pytest.fixture(params=SDKS, ids=str)
def sdk(request: pytest.FixtureRequest) -> SDK:
    """An SDK."""
    sdk: SDK = request.param
    if sdk.missing:
        pytest.skip(sdk.missing)
    return sdk
