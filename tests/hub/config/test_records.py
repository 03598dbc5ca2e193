"""Records of a configuration check themselves."""

from __future__ import annotations

from typing import Any

import pytest

from openline.hub.config.records import ServerOptions


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": -1},
        {"port": 65536},
        {"workers": 0},
        {"workers": 257},
        {"prefix": "x"},
        {"prefix": "/"},
        {"prefix": "/x/"},
        {"keyfile": "x"},
        {"wait_for_broker": -1},
    ],
)
def test_what_a_server_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ServerOptions(**wrong)


def test_what_it_can_be() -> None:
    ServerOptions(port=0, workers=256, prefix="/a/b", certfile="x", keyfile="y")
