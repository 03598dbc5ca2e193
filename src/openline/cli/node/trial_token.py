"""Tokens for trying out a hub. An application makes its own, with its own knowledge of who somebody is."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt

from openline.cli.server.options import StartFailed
from openline.hub.options import HubOptions

__all__ = ["make_token"]


def make_token(hub: HubOptions, user: str, channel: str | None, expire: float, info: str | None) -> str:
    """Return a token that the hub accepts.

    Args:
        hub: The hub's options; its secret signs.
        user: The user's id; empty: anonymous.
        channel: Make a subscription token for this channel; None: a connection token.
        expire: Seconds that it is valid for; 0: for ever.
        info: What others are shown of the client, in JSON; None: nothing.

    Raises:
        StartFailed: there is no secret, or ``info`` is not JSON.
    """
    options = hub.token if channel is None or hub.subscription_token is None else hub.subscription_token
    if options.hmac_secret is None:
        raise StartFailed("a token is made with hmac_secret, which the configuration lacks")
    claims: dict[str, Any] = {options.user_claim: user, "iat": int(time.time())}
    if expire:
        claims["exp"] = int(time.time() + expire)
    if channel is not None:
        claims["channel"] = channel
    if options.audience is not None:
        claims["aud"] = options.audience
    if options.issuer is not None:
        claims["iss"] = options.issuer
    if info is not None:
        try:
            claims["info"] = json.loads(info)
        except ValueError as error:
            raise StartFailed(f"--info is not JSON: {error}") from None
    return jwt.encode(claims, options.hmac_secret, algorithm="HS256")
