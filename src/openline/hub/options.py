"""The options of a hub: one record, for code, ``hub.toml`` and the environment alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["HubOptions", "TokenOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOptions:
    """Keys and demands for JSON Web Tokens (RFC 7519). Without any key, tokens are not accepted.

    Attributes:
        hmac_secret: For HS256, HS384, HS512: at least as many bytes as the hash has.
        rsa_public_key: For RS256, RS384, RS512, in PEM.
        ecdsa_public_key: For ES256, ES384, ES512, in PEM.
        jwks_url: Where the keys are (RFC 7517); fetched when a token names a key that is not known, at most every
            ``jwks_min_interval`` seconds.
        jwks_min_interval: Seconds between two such requests.
        jwks_max_age: Seconds after which the keys are fetched anew although all are known, so that withdrawn ones end.
        jwks_insecure: Allow ``http`` to other machines. Who is on the way can then make tokens.
        audience: A token must be for this one; None: not checked.
        issuer: A token must be from this one; None: not checked.
        user_claim: The claim that holds the user id.
        leeway: Seconds that clocks may differ by.
    """

    hmac_secret: str | None = field(default=None, repr=False)
    rsa_public_key: str | None = None
    ecdsa_public_key: str | None = None
    jwks_url: str | None = None
    jwks_min_interval: float = 10.0
    jwks_max_age: float = 3600.0
    jwks_insecure: bool = False
    audience: str | None = None
    issuer: str | None = None
    user_claim: str = "sub"
    leeway: float = 0.0

    def __post_init__(self) -> None:
        if self.jwks_min_interval <= 0 or self.jwks_max_age <= 0:
            raise ValueError("jwks_min_interval and jwks_max_age must be above 0")
        if self.leeway < 0:
            raise ValueError("leeway must not be negative")

    @property
    def enabled(self) -> bool:
        """Whether there is any key; an empty one is an error of whoever reads it, and not none."""
        keys = (self.hmac_secret, self.rsa_public_key, self.ecdsa_public_key, self.jwks_url)
        return any(key is not None for key in keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubOptions:
    """Options of a hub. Times are in seconds, sizes in bytes.

    Attributes:
        insecure: For development: everybody may do everything, without a token. Said loudly in the log.
        token: Keys for connection tokens.
        subscription_token: Keys for subscription tokens; None: those of ``token``.
        allowed_origins: Origins of pages that may connect, as in `openline.serve`: strings, patterns, or None for
            clients that send none. None instead of a list: the host of the request itself, and clients without Origin.
        connect_timeout: How long a client may take until it has sent its connect command, else 3502.
        ping_interval: Between two pings of the server.
        pong_timeout: How long the answer to a ping may take, else 3012.
        expiry_grace: How long after its expiry a connection or subscription lives on, for the refresh to arrive.
        max_message_size: Of one frame of a client; more closes with 1009, after which SDKs do not come back.
        max_publication_size: Of the data of one publication of a client; more is error 106 for the command alone.
        max_queue_size: Bytes that wait for one client; with more it is disconnected with 3008. The
            ``slow_consumer`` of a channel begins earlier, from 32 KiB on.
        max_waiting_commands: Bytes of one client's commands that wait for their turn before reading stops.
        concurrency: Commands of one session that run at a time; those of one channel always keep their order.
        max_channels: Subscriptions of one client, else error 106.
        max_channel_length: Characters of a channel's name, else error 107.
        max_sessions: On this node; more are refused with 3504, after which SDKs do not come back by themselves.
            None: no bound.
        max_sessions_per_user: On this node; None: no bound.
        recovery_max_publications: A client that missed more is told ``recovered: false``.
        recovery_max_size: The same in bytes; None: half of ``max_queue_size``.
        history_max_limit: Publications that one history command returns at most.
        position_check_interval: Between two checks of each positioned channel against the top of its stream.
        user_personal_channel: Every connection with a user id is subscribed to the channel ``#id``.
        drain: How long sessions are sent away, spread over this time, when the hub shuts down.
        api_key: For the HTTP API (``X-API-Key``); None: there is no API.
        admin_password: For the admin page; None: there is none.
        admin_secret: Signs the admin's sessions; None: made at each start.
        metrics: Whether ``/metrics`` is served.
    """

    insecure: bool = False
    token: TokenOptions = field(default_factory=TokenOptions)
    subscription_token: TokenOptions | None = None
    allowed_origins: Sequence[str | re.Pattern[str] | None] | None = None
    connect_timeout: float = 10.0
    ping_interval: float = 25.0
    pong_timeout: float = 8.0
    expiry_grace: float = 25.0
    max_message_size: int = 2**17
    max_publication_size: int = 2**16
    max_queue_size: int = 2**20
    max_waiting_commands: int = 2**17
    concurrency: int = 1
    max_channels: int = 128
    max_channel_length: int = 255
    max_sessions: int | None = None
    max_sessions_per_user: int | None = None
    recovery_max_publications: int = 300
    recovery_max_size: int | None = None
    history_max_limit: int = 300
    position_check_interval: float = 40.0
    user_personal_channel: bool = False
    drain: float = 30.0
    api_key: str | None = field(default=None, repr=False)
    admin_password: str | None = field(default=None, repr=False)
    admin_secret: str | None = field(default=None, repr=False)
    metrics: bool = True

    def __post_init__(self) -> None:
        for name in (
            "connect_timeout",
            "ping_interval",
            "pong_timeout",
            "max_message_size",
            "max_publication_size",
            "max_queue_size",
            "max_waiting_commands",
            "concurrency",
            "max_channels",
            "max_channel_length",
            "history_max_limit",
            "position_check_interval",
            "max_sessions",
            "max_sessions_per_user",
            "recovery_max_size",
        ):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} must be above 0")
        for name in ("expiry_grace", "recovery_max_publications", "drain"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")
        if self.pong_timeout >= self.ping_interval:
            raise ValueError("pong_timeout must be below ping_interval")
