"""Claims: what a signed payload may say, and what is made of it."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.hub.auth.claims import (
    ConnectionClaims,
    SubscriptionClaims,
    connection_claims,
    subscription_claims,
)
from openline.hub.auth.failures import TokenExpired, TokenInvalid
from openline.hub.codes import Refused
from openline.hub.options import TokenOptions

NOW = 1_800_000_000.0
ANY = TokenOptions()


def connection(options: TokenOptions = ANY, **claims: Any) -> ConnectionClaims:
    return connection_claims(json.dumps(claims).encode(), options, NOW)


def subscription(options: TokenOptions = ANY, **claims: Any) -> SubscriptionClaims:
    return subscription_claims(json.dumps({"channel": "chat:1", **claims}).encode(), options, NOW)


def test_nothing_said_is_an_anonymous_user_for_ever() -> None:
    claims = connection()
    assert (claims.user, claims.expire_at, claims.issued_at, claims.info) == ("", 0.0, 0.0, None)
    assert (claims.channels, dict(claims.subs), dict(claims.meta)) == ((), {}, {})


def test_a_null_claim_says_nothing() -> None:
    names = (
        "sub",
        "exp",
        "nbf",
        "iat",
        "info",
        "b64info",
        "channels",
        "subs",
        "meta",
        "expire_at",
        "aud",
        "iss",
    )
    assert connection(**dict.fromkeys(names)) == connection()


def test_all_that_a_connection_token_can_say() -> None:
    claims = connection(
        sub="42",
        exp=NOW + 60,
        iat=NOW - 1,
        info={"name": "Ann"},
        channels=["news", "chat:1"],
        subs={
            "chat:1": {
                "info": [1],
                "data": "hello",
                "override": {"presence": {"value": True}, "recover": {}},
            },
            "chat:2": {"b64info": "AAE=", "b64data": "/w=="},
        },
        meta={"tenant": 7},
        unknown={"deep": []},
    )
    assert (claims.user, claims.expire_at, claims.issued_at) == ("42", NOW + 60, NOW - 1)
    assert claims.info is not None
    assert json.loads(bytes(claims.info)) == {"name": "Ann"}
    assert claims.channels == ("news", "chat:1", "chat:2")
    one, two = claims.subs["chat:1"], claims.subs["chat:2"]
    assert (bytes(one.info or b""), bytes(one.data or b"")) == (b"[1]", b'"hello"')
    assert one.override == {"presence": True, "recovery": False}
    assert (bytes(two.info or b""), bytes(two.data or b""), two.override) == (b"\0\1", b"\xff", {})
    assert claims.subs["news"] == type(one)()
    assert claims.meta == {"tenant": 7}


def test_all_that_a_subscription_token_can_say() -> None:
    claims = subscription(
        sub="42",
        client="c1",
        info={},
        b64data="e30=",
        exp=NOW + 1,
        iat=1,
        override={"force_positioning": {"value": 1 > 0}},
    )
    assert (claims.user, claims.channel, claims.client) == ("42", "chat:1", "c1")
    assert (bytes(claims.info or b""), bytes(claims.data or b"")) == (b"{}", b"{}")
    assert (claims.expire_at, claims.issued_at, claims.override) == (NOW + 1, 1.0, {"positioned": True})


def test_a_subscription_token_is_for_a_channel() -> None:
    with pytest.raises(TokenInvalid, match="channel is missing"):
        subscription(channel="")


def test_overrides_that_are_not_known_are_ignored() -> None:
    assert (
        subscription(override={"force_push_join_leave": {"value": True}, "x": 1, "presence": None}).override
        == {}
    )


@pytest.mark.parametrize(
    ("claims", "expire_at"),
    [
        ({"exp": NOW + 5}, NOW + 5),
        ({"exp": NOW + 5, "expire_at": NOW + 99}, NOW + 99),
        ({"exp": NOW + 5, "expire_at": 0}, 0.0),
        ({"expire_at": NOW + 99}, NOW + 99),
        ({"expire_at": -1}, 0.0),
        ({}, 0.0),
    ],
)
def test_expire_at_says_when_the_session_ends_and_exp_when_the_token_does(
    claims: dict[str, Any], expire_at: float
) -> None:
    assert connection(**claims).expire_at == expire_at
    assert subscription(**claims).expire_at == expire_at


def test_a_token_ends_at_its_exp_and_begins_at_its_nbf_rfc7519_4_1_4() -> None:
    with pytest.raises(TokenExpired):
        connection(exp=NOW)
    with pytest.raises(TokenExpired):
        subscription(exp=NOW - 100, expire_at=NOW + 100)
    with pytest.raises(TokenExpired):
        connection(nbf=NOW + 1)
    assert connection(exp=NOW + 0.5, nbf=NOW).expire_at == NOW + 0.5


def test_leeway_is_for_clocks_that_differ() -> None:
    lenient = TokenOptions(leeway=5)
    assert connection(lenient, exp=NOW - 4, nbf=NOW + 5).user == ""
    with pytest.raises(TokenExpired):
        connection(lenient, exp=NOW - 5)
    with pytest.raises(TokenExpired):
        connection(lenient, nbf=NOW + 6)


def test_a_clock_that_is_ahead_makes_no_token_invalid_by_iat() -> None:
    assert connection(iat=NOW + 1000).issued_at == NOW + 1000


def test_audience_and_issuer_are_checked_where_they_are_demanded() -> None:
    options = TokenOptions(audience="hub", issuer="app")
    assert connection(options, aud="hub", iss="app", sub="1").user == "1"
    assert connection(options, aud=["x", "hub"], iss="app", sub="1").user == "1"
    for aud, iss in (
        ("x", "app"),
        (["x"], "app"),
        ([], "app"),
        (None, "app"),
        ("hub", "x"),
        ("hub", None),
        ("hu", "app"),
    ):
        with pytest.raises(TokenInvalid, match="another"):
            connection(options, aud=aud, iss=iss)
    assert connection(aud="x", iss="y", sub="1").user == "1"


def test_a_foreign_token_is_invalid_even_when_it_is_expired_too() -> None:
    with pytest.raises(TokenInvalid):
        connection(TokenOptions(issuer="app"), iss="x", exp=1)


def test_the_user_may_stand_in_another_claim() -> None:
    options = TokenOptions(user_claim="user_id")
    assert connection(options, sub=5, user_id="42").user == "42"
    assert subscription(options, user_id=None).user == ""
    assert connection(options, sub="42").user == ""
    with pytest.raises(TokenInvalid, match="user_id is not a string"):
        connection(options, user_id=42)


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": 42},
        {"exp": "tomorrow"},
        {"exp": True},
        {"expire_at": []},
        {"aud": 1},
        {"iss": 1},
        {"channels": "news"},
        {"channels": [1]},
        {"subs": []},
        {"subs": {"a": 1}},
        {"subs": {"a": {"override": {"presence": True}}}},
        {"subs": {"a": {"b64data": "*"}}},
        {"meta": []},
        {"b64info": "a"},
        {"b64info": 1},
    ],
)
def test_a_claim_of_a_wrong_type_makes_the_token_invalid(claims: dict[str, Any]) -> None:
    with pytest.raises(TokenInvalid):
        connection(**claims)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"sub":"1"}{}',
        b'{"exp":1e999}',
        b'{"exp":NaN}',
        b'{"info":"\xff"}',
        b'{"x":"\xff"}',
        b'{"info":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"meta":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    ],
)
def test_what_is_no_json_object_makes_the_token_invalid(payload: bytes) -> None:
    with pytest.raises(TokenInvalid):
        connection_claims(payload, ANY, NOW)


def test_info_that_spans_lines_cannot_end_a_reply() -> None:
    claims = connection_claims(b'{"info":{"a":\r\n1,\n"b":"x\\n"}}', ANY, NOW)
    assert bytes(claims.info or b"") == b'{"a":1,"b":"x\\n"}'


def test_an_empty_base64_is_nothing() -> None:
    assert connection(b64info="", info=1).info is not None
    assert connection(b64info="").info is None
    assert bytes(connection(b64info=base64.b64encode(b"x").decode(), info=1).info or b"") == b"x"


NAMES = [
    "sub",
    "exp",
    "nbf",
    "iat",
    "aud",
    "iss",
    "info",
    "b64info",
    "channels",
    "subs",
    "meta",
    "channel",
    "override",
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*NAMES, "value", "presence"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_whatever_is_signed_it_is_claims_or_a_refusal(claims: dict[str, Any]) -> None:
    payload = json.dumps(claims).encode()
    for read in (connection_claims, subscription_claims):
        with contextlib.suppress(Refused):
            read(payload, ANY, NOW)
