"""Options of a hub."""

from __future__ import annotations

import pytest

from openline.hub.options import HubOptions, TokenOptions


@pytest.mark.parametrize("name", ["connect_timeout", "max_queue_size", "concurrency", "max_channels"])
def test_a_bound_is_above_0(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be above 0"):
        HubOptions(**{name: 0})


def test_an_answer_to_a_ping_is_due_before_the_next() -> None:
    with pytest.raises(ValueError, match="pong_timeout must be below ping_interval"):
        HubOptions(ping_interval=5.0, pong_timeout=5.0)


def test_without_a_key_tokens_are_off() -> None:
    assert not TokenOptions(audience="a", issuer="b").enabled
    assert TokenOptions(jwks_url="https://example.com/keys").enabled


def test_a_publication_that_is_too_large_still_fits_a_message() -> None:
    options = HubOptions()
    assert options.max_message_size > options.max_publication_size, (
        "or its client would be cut instead of told"
    )
