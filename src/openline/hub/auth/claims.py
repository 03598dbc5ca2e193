"""What tokens say: their claims, read from the signed JSON.

Names and meanings are those that backends for the Centrifuge SDKs write already. Unknown claims are ignored.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from openline.hub.auth.failures import TokenExpired, TokenInvalid
from openline.hub.options import TokenOptions
from openline.hub.publication import Payload

__all__ = [
    "ConnectionClaims",
    "ServerSubscription",
    "SubscriptionClaims",
    "connection_claims",
    "subscription_claims",
]

# By which names tokens override an option of the channel for one subscription, and what the option is called here.
_OVERRIDES = {
    "presence": "presence",
    "join_leave": "join_leave",
    "recover": "recovery",
    "force_recovery": "recovery",
    "position": "positioned",
    "force_positioning": "positioned",
}


class ServerSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection token says of one channel that the server subscribes the client to.

    Attributes:
        info: Of the client in this channel, for presence, joins and leaves; None: nothing.
        data: For the client, in the result; None: nothing.
        override: Options of the channel that hold for this subscription: ``presence``, ``join_leave``, ``recovery``,
            ``positioned``.

    ``info`` and ``data`` are JSON without newlines, or, where the token has them in base64, any bytes: check those
    (`Subprotocol.check_payload`) before they enter a frame.
    """

    info: Payload | None = None
    data: Payload | None = None
    override: Mapping[str, bool] = {}


class ConnectionClaims(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection token says.

    Attributes:
        user: The user's id; empty: anonymous.
        expire_at: When the connection ends unless it is refreshed, in seconds since 1970; 0.0: never.
        issued_at: When the token was made, in seconds since 1970; 0.0: it does not say.
        info: Of the connection, for presence, joins, leaves, publications, as in `ServerSubscription`; None: nothing.
        subs: The channels that the server subscribes the client to (claims ``channels`` and ``subs``), in their order.
        meta: For the application alone, never shown to a client.
    """

    user: str
    expire_at: float = 0.0
    issued_at: float = 0.0
    info: Payload | None = None
    subs: Mapping[str, ServerSubscription] = {}
    meta: Mapping[str, Any] = {}

    @property
    def channels(self) -> tuple[str, ...]:
        """The names in `subs`."""
        return tuple(self.subs)


class SubscriptionClaims(ServerSubscription, frozen=True, kw_only=True):
    """What a subscription token says; valid for this user and this channel alone, which the caller compares.

    Attributes:
        user: The user's id; empty: anonymous.
        channel: The channel.
        client: The one session that may use it, in tokens of old backends; empty: any of the user's.
        expire_at: When the subscription ends unless it is refreshed, in seconds since 1970; 0.0: never.
        issued_at: When the token was made, in seconds since 1970; 0.0: it does not say.
    """

    user: str
    channel: str
    client: str = ""
    expire_at: float = 0.0
    issued_at: float = 0.0


class _Described(msgspec.Struct):
    """What the claims ``subs`` and those of a subscription token have in common, as it is written."""

    info: msgspec.Raw = msgspec.Raw()
    b64info: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    b64data: str | None = None
    override: dict[str, msgspec.Raw] | None = None


class _Registered(_Described):
    """The claims of RFC 7519 section 4.1 that matter here, and ``expire_at``."""

    sub: msgspec.Raw = msgspec.Raw()
    exp: float | None = None
    nbf: float | None = None
    iat: float | None = None
    aud: str | list[str] | None = None
    iss: str | None = None
    expire_at: float | None = None


class _Connection(_Registered):
    channels: list[str] | None = None
    subs: dict[str, _Described] | None = None
    meta: dict[str, Any] | None = None


class _Subscription(_Registered):
    channel: str = ""
    client: str | None = None


class _Switch(msgspec.Struct):
    value: bool = False


T = TypeVar("T")

_connection = msgspec.json.Decoder(_Connection)
_subscription = msgspec.json.Decoder(_Subscription)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_string = msgspec.json.Decoder(str | None)
_switch = msgspec.json.Decoder(_Switch | None)


def connection_claims(payload: bytes, options: TokenOptions, now: float) -> ConnectionClaims:
    """Read the claims of a connection token.

    Args:
        payload: Its JSON; the signature has been verified.
        options: Audience, issuer, the claim that holds the user, leeway.
        now: Seconds since 1970.

    Raises:
        TokenInvalid: a claim has a wrong type, or audience or issuer are others.
        TokenExpired: see there.
    """
    said = _decode(_connection, payload)
    _check(said, options, now)
    listed = dict.fromkeys(said.channels or (), ServerSubscription())
    described = {name: _described(one) for name, one in (said.subs or {}).items()}
    return ConnectionClaims(
        user=_user(payload, said, options.user_claim),
        expire_at=_expiry(said),
        issued_at=said.iat or 0.0,
        info=_payload(said.info, said.b64info),
        subs=listed | described,
        meta=said.meta or {},
    )


def subscription_claims(payload: bytes, options: TokenOptions, now: float) -> SubscriptionClaims:
    """Read the claims of a subscription token; arguments and errors are those of `connection_claims`."""
    said = _decode(_subscription, payload)
    _check(said, options, now)
    if not said.channel:
        raise TokenInvalid("the claim channel is missing")
    described = _described(said)
    return SubscriptionClaims(
        user=_user(payload, said, options.user_claim),
        channel=said.channel,
        client=said.client or "",
        expire_at=_expiry(said),
        issued_at=said.iat or 0.0,
        info=described.info,
        data=described.data,
        override=described.override,
    )


def _decode(decoder: msgspec.json.Decoder[T], data: bytes | msgspec.Raw) -> T:
    try:
        # Not checked by msgspec in what it passes over, such as `info`.
        bytes(data).decode()
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise TokenInvalid(f"claims: {error}") from None


def _check(said: _Registered, options: TokenOptions, now: float) -> None:
    if options.issuer is not None and said.iss != options.issuer:
        raise TokenInvalid("it is from another issuer")
    if options.audience is not None:
        audience = [said.aud] if isinstance(said.aud, str) else said.aud or []
        if options.audience not in audience:
            raise TokenInvalid("it is for another audience")
    if said.exp is not None and said.exp + options.leeway <= now:
        raise TokenExpired()
    if said.nbf is not None and said.nbf - options.leeway > now:
        raise TokenExpired()


def _expiry(said: _Registered) -> float:
    expiry = said.exp if said.expire_at is None else said.expire_at
    return max(expiry or 0.0, 0.0)


def _user(payload: bytes, said: _Registered, claim: str) -> str:
    raw = said.sub if claim == "sub" else _decode(_members, payload).get(claim, msgspec.Raw())
    if not bytes(raw):
        return ""
    try:
        return _string.decode(raw) or ""
    except msgspec.MsgspecError:
        raise TokenInvalid(f"the claim {claim} is not a string") from None


def _described(said: _Described) -> ServerSubscription:
    override: dict[str, bool] = {}
    for name, raw in (said.override or {}).items():
        if name in _OVERRIDES and (switch := _decode(_switch, raw)) is not None:
            override[_OVERRIDES[name]] = switch.value
    return ServerSubscription(
        info=_payload(said.info, said.b64info), data=_payload(said.data, said.b64data), override=override
    )


def _payload(raw: msgspec.Raw, base64: str | None) -> Payload | None:
    if base64:
        try:
            return Payload(binascii.a2b_base64(base64, strict_mode=True))
        except ValueError as error:
            raise TokenInvalid(f"base64 in a claim: {error}") from None
    data = bytes(raw)
    if not data or data == b"null":
        return None
    # Newlines in JSON stand between tokens, where they mean nothing; in a frame they would end the reply.
    return Payload(data.translate(None, b"\r\n"))
