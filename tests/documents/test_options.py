"""What can be set."""

from __future__ import annotations

from typing import Any

import pytest

from openline.documents import DocumentOptions


@pytest.mark.parametrize(
    "options",
    [
        {"max_editors": 0},
        {"update_rate": 0.0},
        {"idle_timeout": -1.0},
        {"max_types": 10_001},
        {"max_update_size": 2**22, "max_document_size": 2**21},
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        DocumentOptions(**options)


def test_zero_and_none_mean_what_is_said_of_them() -> None:
    options = DocumentOptions(idle_timeout=0, update_rate=None, byte_rate=None)
    assert options.update_rate is None
