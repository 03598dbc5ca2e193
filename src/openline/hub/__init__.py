"""Channels and people: what chat, live data, shared editing, games and notifications are made of.

`Hub` is the way in. It speaks the client protocol of the Centrifuge SDKs, so that those connect to it as they are.
"""

from __future__ import annotations

from openline.hub.brokers.base import Broker as Broker
from openline.hub.brokers.base import BrokerDown as BrokerDown
from openline.hub.codes import Disconnect as Disconnect
from openline.hub.codes import DisconnectCode as DisconnectCode
from openline.hub.codes import ErrorCode as ErrorCode
from openline.hub.codes import Refused as Refused
from openline.hub.codes import Unauthorized as Unauthorized
from openline.hub.codes import UnsubscribeCode as UnsubscribeCode
from openline.hub.hub import Hub as Hub
from openline.hub.hub import Namespace as Namespace
from openline.hub.namespace import ChannelOptions as ChannelOptions
from openline.hub.options import HubOptions as HubOptions
from openline.hub.options import TokenOptions as TokenOptions
from openline.hub.publication import ClientInfo as ClientInfo
from openline.hub.publication import Publication as Publication
from openline.hub.publication import PublishResult as PublishResult
from openline.hub.publication import StreamPosition as StreamPosition
from openline.hub.results import Connect as Connect
from openline.hub.results import Publish as Publish
from openline.hub.results import Subscribe as Subscribe
from openline.hub.session import Session as Session

__all__ = [
    "Broker",
    "BrokerDown",
    "ChannelOptions",
    "ClientInfo",
    "Connect",
    "Disconnect",
    "DisconnectCode",
    "ErrorCode",
    "Hub",
    "HubOptions",
    "Namespace",
    "Publication",
    "Publish",
    "PublishResult",
    "Refused",
    "Session",
    "StreamPosition",
    "Subscribe",
    "TokenOptions",
    "Unauthorized",
    "UnsubscribeCode",
]
