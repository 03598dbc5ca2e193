"""The tables of codes, and the exceptions made of them."""

from __future__ import annotations

import pytest

from openline.hub.codes import (
    Disconnect,
    DisconnectCode,
    ErrorCode,
    Refused,
    Unauthorized,
    UnsubscribeCode,
    explain,
    is_temporary,
    reconnects,
)


def test_codes_stand_in_their_ranges() -> None:
    assert all(100 <= code < 400 for code in ErrorCode)
    assert all(3000 <= code < 4000 for code in DisconnectCode)
    assert {code for code in UnsubscribeCode if code >= 2500} == {2500, 2501, 2502}


@pytest.mark.parametrize("code", [100, 111, 113])
def test_what_is_temporary_may_be_tried_again(code: int) -> None:
    assert is_temporary(code)
    assert Refused(code).temporary


@pytest.mark.parametrize("code", [101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 112, 400, 1999])
def test_what_is_not_may_not(code: int) -> None:
    assert not is_temporary(code)
    assert not Refused(code).temporary


@pytest.mark.parametrize(
    ("code", "comes_back"),
    [
        (3000, True),
        (3499, True),
        (3500, False),
        (3999, False),
        (4000, True),
        (4499, True),
        (4500, False),
        (4999, False),
    ],
)
def test_the_code_says_whether_a_client_comes_back(code: int, comes_back: bool) -> None:
    assert reconnects(code) is comes_back
    assert Disconnect(code).reconnect is comes_back


@pytest.mark.parametrize("code", [0, 99, 114, 399, 2000, 3000])
def test_an_application_cannot_make_up_codes_of_the_protocol(code: int) -> None:
    with pytest.raises(ValueError, match="400 to 1999"):
        Refused(code)


@pytest.mark.parametrize("code", [1000, 2999, 5000])
def test_a_disconnect_code_is_one_that_sdks_know(code: int) -> None:
    with pytest.raises(ValueError, match="3000 to 4999"):
        Disconnect(code)


def test_a_reason_fits_into_a_close_frame() -> None:
    assert Disconnect(4000, "é" * 61).reason == "é" * 61
    with pytest.raises(ValueError, match="123 bytes"):
        Disconnect(4000, "é" * 62)


def test_texts_of_the_standard_stand_in_where_none_are_given() -> None:
    assert (Refused().code, Refused().message) == (103, "permission denied")
    assert Refused(1000).message == "refused"
    assert (Unauthorized().code, Unauthorized("who?").message) == (101, "who?")
    assert (Disconnect().code, Disconnect(3008).reason, Disconnect(4000).reason) == (3503, "slow", "")
    assert (explain(2500), explain(2600)) == ("insufficient state", "")
