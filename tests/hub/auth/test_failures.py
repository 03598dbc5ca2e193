"""The three ways in which a token is not accepted."""

from __future__ import annotations

from openline.hub.auth.failures import KeysUnavailable, TokenExpired, TokenInvalid
from openline.hub.codes import Refused


def test_each_is_answered_with_its_own_code() -> None:
    answers = [
        (error.code, error.temporary) for error in (TokenInvalid("x"), TokenExpired(), KeysUnavailable("x"))
    ]
    assert answers == [(103, False), (109, False), (100, True)]
    assert issubclass(TokenInvalid, Refused)


def test_the_client_is_not_told_what_the_log_is() -> None:
    for error in (TokenInvalid("its signature is wrong"), KeysUnavailable("its signature is wrong")):
        assert "signature" in str(error)
        assert "signature" not in error.message
