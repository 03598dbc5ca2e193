"""The messages of the client protocol (version 2), as records.

One definition for both encodings: JSON uses the names, protobuf the numbers in `openline.hub.subprotocols.schema`.
Fields that are not used here are ignored when they come, as the protocol asks. A field that has its default is not
sent; results are present even where they are empty, since SDKs look into them.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import msgspec

from openline.hub.publication import ClientInfo, MaybePayload, Publication

__all__ = [
    "Call",
    "CallRequest",
    "Command",
    "ConnectRequest",
    "ConnectResult",
    "DisconnectPush",
    "Error",
    "HistoryRequest",
    "HistoryResult",
    "Join",
    "Leave",
    "MessagePush",
    "PingRequest",
    "PresenceRequest",
    "PresenceResult",
    "PresenceStatsRequest",
    "PresenceStatsResult",
    "PublishRequest",
    "PublishResult",
    "Push",
    "RPCRequest",
    "RPCResult",
    "RefreshPush",
    "RefreshRequest",
    "RefreshResult",
    "Reply",
    "SendRequest",
    "SinceRequest",
    "SubRefreshRequest",
    "SubRefreshResult",
    "SubscribePush",
    "SubscribeRequest",
    "SubscribeResult",
    "UnsubscribePush",
    "UnsubscribeRequest",
    "UnsubscribeResult",
]


class _Record(msgspec.Struct, omit_defaults=True, gc=False):
    pass


# What comes in is held to these; 64 bits end at what databases can store.
UInt32: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
Int32: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
UInt64: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Int64: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


# What clients send.


class SubscribeRequest(_Record):
    """Also what a connect says of a server-side subscription that it had: then ``channel`` is empty."""

    channel: str = ""
    token: str = ""
    recover: bool = False
    epoch: str = ""
    offset: UInt64 = 0
    data: MaybePayload = None
    positioned: bool = False
    recoverable: bool = False
    join_leave: bool = False
    delta: str = ""
    tf: MaybePayload = None  # a tags filter: refused, whatever it says
    flag: Int64 = 0
    type: Int32 = 0  # 0: stream; others (map, shared poll) are refused


class ConnectRequest(_Record):
    token: str = ""
    data: MaybePayload = None
    subs: dict[str, SubscribeRequest] | None = None
    name: str = ""
    version: str = ""
    headers: dict[str, str] | None = None


class UnsubscribeRequest(_Record):
    channel: str = ""


class PublishRequest(_Record):
    channel: str = ""
    data: MaybePayload = None
    type: Int32 = 0
    key: str = ""
    removed: bool = False


class PresenceRequest(_Record):
    channel: str = ""


class PresenceStatsRequest(_Record):
    channel: str = ""


class SinceRequest(_Record):
    offset: UInt64 = 0
    epoch: str = ""


class HistoryRequest(_Record):
    channel: str = ""
    limit: Int32 = 0
    since: SinceRequest | None = None
    reverse: bool = False


class PingRequest(_Record):
    pass


class SendRequest(_Record):
    data: MaybePayload = None


class RPCRequest(_Record):
    data: MaybePayload = None
    method: str = ""


class CallRequest(_Record):
    """An `RPCRequest` with the value that its payload stands for."""

    data: Any = None
    method: str = ""


class RefreshRequest(_Record):
    token: str = ""


class SubRefreshRequest(_Record):
    channel: str = ""
    token: str = ""


class Command(_Record):
    """A command: ``id``, and the first of the others that is not None. All empty: the answer to a ping."""

    id: UInt32 = 0
    connect: ConnectRequest | None = None
    subscribe: SubscribeRequest | None = None
    unsubscribe: UnsubscribeRequest | None = None
    publish: PublishRequest | None = None
    presence: PresenceRequest | None = None
    presence_stats: PresenceStatsRequest | None = None
    history: HistoryRequest | None = None
    ping: PingRequest | None = None
    send: SendRequest | None = None
    rpc: RPCRequest | None = None
    refresh: RefreshRequest | None = None
    sub_refresh: SubRefreshRequest | None = None


class Call(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A command that is an RPC and nothing else."""

    id: UInt32
    rpc: CallRequest


# What they are answered.


class Error(_Record):
    code: int = 0
    message: str = ""
    temporary: bool = False


class SubscribeResult(_Record):
    expires: bool = False
    ttl: int = 0
    recoverable: bool = False
    epoch: str = ""
    publications: list[Publication] | None = None
    recovered: bool = False
    offset: int = 0
    positioned: bool = False
    data: MaybePayload = None
    was_recovering: bool = False
    delta: bool = False


class ConnectResult(_Record):
    client: str = ""
    version: str = ""
    expires: bool = False
    ttl: int = 0
    data: MaybePayload = None
    subs: dict[str, SubscribeResult] | None = None
    ping: int = 0
    pong: bool = False
    session: str = ""
    node: str = ""
    time: int = 0


class UnsubscribeResult(_Record):
    pass


class PublishResult(_Record):
    pass


class PresenceResult(_Record, omit_defaults=False):
    presence: dict[str, ClientInfo] = {}  # msgspec makes a new one for each record


class PresenceStatsResult(_Record, omit_defaults=False):
    num_clients: int = 0
    num_users: int = 0


class HistoryResult(_Record, omit_defaults=False):
    publications: list[Publication] = []
    epoch: str = ""
    offset: int = 0


class RPCResult(_Record):
    data: MaybePayload = None


class RefreshResult(_Record):
    client: str = ""
    version: str = ""
    expires: bool = False
    ttl: int = 0


class SubRefreshResult(_Record):
    expires: bool = False
    ttl: int = 0


# What the server says by itself.


class Join(_Record):
    info: ClientInfo


class Leave(_Record):
    info: ClientInfo


class UnsubscribePush(_Record):
    code: int = 0
    reason: str = ""


class MessagePush(_Record):
    data: MaybePayload = None


class SubscribePush(_Record):
    recoverable: bool = False
    epoch: str = ""
    offset: int = 0
    positioned: bool = False
    data: MaybePayload = None


class DisconnectPush(_Record):
    code: int = 0
    reason: str = ""
    reconnect: bool = False


class RefreshPush(_Record):
    expires: bool = False
    ttl: int = 0


class Push(_Record):
    """A channel, and one of the others."""

    channel: str = ""
    pub: Publication | None = None
    join: Join | None = None
    leave: Leave | None = None
    unsubscribe: UnsubscribePush | None = None
    message: MessagePush | None = None
    subscribe: SubscribePush | None = None
    disconnect: DisconnectPush | None = None
    refresh: RefreshPush | None = None


class Reply(_Record):
    """The answer to the command with this ``id``; without one a push; with neither a ping."""

    id: int = 0
    error: Error | None = None
    push: Push | None = None
    connect: ConnectResult | None = None
    subscribe: SubscribeResult | None = None
    unsubscribe: UnsubscribeResult | None = None
    publish: PublishResult | None = None
    presence: PresenceResult | None = None
    presence_stats: PresenceStatsResult | None = None
    history: HistoryResult | None = None
    rpc: RPCResult | None = None
    refresh: RefreshResult | None = None
    sub_refresh: SubRefreshResult | None = None
