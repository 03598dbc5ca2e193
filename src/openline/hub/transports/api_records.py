"""What requests of the server API say: one record a method, with the names of Centrifugo's HTTP API.

Unknown fields are ignored, as there. `Raw` fields are JSON that was only skipped so far.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    _MaybeRaw = msgspec.Raw | None
else:
    _MaybeRaw = msgspec.Raw  # msgspec takes no union with Raw; a default of None it lets pass

__all__ = ["REQUESTS", "Batch"]


class _Publish(msgspec.Struct):
    channel: str = ""
    data: _MaybeRaw = None
    b64data: str = ""
    skip_history: bool = False
    tags: dict[str, str] | None = None
    idempotency_key: str = ""
    key: str = ""


class _Broadcast(msgspec.Struct):
    channels: list[str] = []  # msgspec makes a new one for each record
    data: _MaybeRaw = None
    b64data: str = ""
    skip_history: bool = False
    tags: dict[str, str] | None = None
    idempotency_key: str = ""
    key: str = ""


class _Position(msgspec.Struct):
    offset: int = 0
    epoch: str = ""


class _Subscribe(msgspec.Struct):
    user: str = ""
    channel: str = ""
    client: str = ""
    session: str = ""
    info: _MaybeRaw = None
    b64info: str = ""
    data: _MaybeRaw = None
    b64data: str = ""
    expire_at: float = 0.0
    recover_since: _Position | None = None
    override: dict[str, dict[str, bool] | None] | None = None


class _Unsubscribe(msgspec.Struct):
    user: str = ""
    channel: str = ""
    client: str = ""
    session: str = ""


class _Reason(msgspec.Struct):
    code: int = 0
    reason: str = ""


class _Disconnect(msgspec.Struct):
    user: str = ""
    client: str = ""
    session: str = ""
    whitelist: list[str] = []
    disconnect: _Reason | None = None


class _Refresh(msgspec.Struct):
    user: str = ""
    client: str = ""
    session: str = ""
    expired: bool = False
    expire_at: float = 0.0
    info: _MaybeRaw = None


class _Channel(msgspec.Struct):
    channel: str = ""


class _History(msgspec.Struct):
    channel: str = ""
    limit: int = 0
    since: _Position | None = None
    reverse: bool = False


class _Channels(msgspec.Struct):
    pattern: str = ""


class _Nothing(msgspec.Struct):
    pass


class Batch(msgspec.Struct):
    """Several calls in one request.

    Attributes:
        commands: Each an object with one member: the method's name, with its request.
        parallel: Do not wait for one before the next begins.
    """

    commands: list[dict[str, msgspec.Raw]] = []
    parallel: bool = False


REQUESTS: dict[str, type[msgspec.Struct]] = {
    "publish": _Publish,
    "broadcast": _Broadcast,
    "subscribe": _Subscribe,
    "unsubscribe": _Unsubscribe,
    "disconnect": _Disconnect,
    "refresh": _Refresh,
    "presence": _Channel,
    "presence_stats": _Channel,
    "history": _History,
    "history_remove": _Channel,
    "channels": _Channels,
    "info": _Nothing,
}
"""By method."""
