"""The admin's password and token."""

from __future__ import annotations

import base64

import pytest

from openline.hub.admin.tokens import LIFETIME, AdminTokens

NOW = 1_800_000_000.0


def test_the_password_and_nothing_else() -> None:
    tokens = AdminTokens("pässword", None)
    assert tokens.is_password("pässword")
    for wrong in ("", "password", "pässword ", "pässword\0", "\ud83d"):
        assert not tokens.is_password(wrong)


def test_a_token_lives_until_it_expires() -> None:
    tokens = AdminTokens("password", None)
    token = tokens.make(NOW)
    assert tokens.is_valid(token, NOW)
    assert tokens.is_valid(token, NOW + LIFETIME - 1)
    assert not tokens.is_valid(token, NOW + LIFETIME)
    assert token != tokens.make(NOW)


def test_a_token_of_another_password_secret_or_start_is_none() -> None:
    token = AdminTokens("password", "secret").make(NOW)
    assert AdminTokens("password", "secret").is_valid(token, NOW)
    assert not AdminTokens("other", "secret").is_valid(token, NOW)
    assert not AdminTokens("password", "other").is_valid(token, NOW)
    assert not AdminTokens("password", None).is_valid(token, NOW)


def test_a_token_that_was_changed_anywhere_is_none() -> None:
    tokens = AdminTokens("password", "secret")
    token = tokens.make(NOW)
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    for place in range(len(raw)):
        changed = raw.copy()
        changed[place] ^= 1
        assert not tokens.is_valid(base64.urlsafe_b64encode(changed).decode(), NOW)


@pytest.mark.parametrize("token", ["", "=", "é", "a" * 64, "a" * 65, "a" * 10_000, "!!!!", "AAAA"])
def test_what_is_no_token(token: str) -> None:
    assert not AdminTokens("password", "secret").is_valid(token, NOW)
