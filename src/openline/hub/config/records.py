"""What a configuration says, once it has been read: records, as the program has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openline.hub.namespace import ChannelOptions
from openline.hub.options import HubOptions

__all__ = ["BrokerOptions", "HubConfig", "ServerOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How `openline hub` serves. Times are in seconds.

    Attributes:
        host: Address to listen on; ``0.0.0.0`` or ``::`` for all.
        port: Port; 0: a free one, which is said at the start.
        prefix: What stands before all paths, such as ``/realtime``; empty: nothing.
        certfile: TLS certificate with its chain, in PEM; None: no TLS.
        keyfile: Its key, where ``certfile`` lacks it.
        workers: Processes that share the port. More than one needs a broker that they share: Redis.
        wait_for_broker: How long a broker that cannot be reached is tried for at the start; 0: once.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    prefix: str = ""
    certfile: str | None = None
    keyfile: str | None = None
    workers: int = 1
    wait_for_broker: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError("port must be from 0 to 65535")
        if not 1 <= self.workers <= 256:
            raise ValueError("workers must be from 1 to 256")
        if self.prefix and (not self.prefix.startswith("/") or self.prefix.endswith("/")):
            raise ValueError("prefix must begin with a slash, and not end with one")
        if self.keyfile is not None and self.certfile is None:
            raise ValueError("keyfile needs certfile")
        if self.wait_for_broker < 0:
            raise ValueError("wait_for_broker must not be negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOptions:
    """Which broker, and how.

    Attributes:
        url: ``memory://``, ``sqlite:///file``, ``redis://host:port``, ``redis+sentinel://…``, ``redis+cluster://…``.
        options: Arguments of that broker.
    """

    url: str = field(default="memory://", repr=False)
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class HubConfig:
    """All that a configuration says.

    Attributes:
        hub: The hub's options.
        server: How it is served.
        broker: What it stands on.
        namespaces: The options of the channels, by namespace.
    """

    hub: HubOptions = field(default_factory=HubOptions)
    server: ServerOptions = field(default_factory=ServerOptions)
    broker: BrokerOptions = field(default_factory=BrokerOptions)
    namespaces: Mapping[str, ChannelOptions] = field(default_factory=dict[str, ChannelOptions])
