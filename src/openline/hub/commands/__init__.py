"""What clients can ask for, one file for each verb."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from openline.hub.commands.answer import Answer
from openline.hub.commands.connecting import connect
from openline.hub.commands.history import history
from openline.hub.commands.leaving import unsubscribe
from openline.hub.commands.ping import ping
from openline.hub.commands.presence import presence, presence_stats
from openline.hub.commands.publishing import publish
from openline.hub.commands.refreshing import refresh, sub_refresh
from openline.hub.commands.rpc import rpc
from openline.hub.commands.sending import send
from openline.hub.commands.subscribing import subscribe

__all__ = ["COMMANDS"]

COMMANDS: dict[str, Callable[[Any, Any], Coroutine[Any, Any, Answer | None] | Answer | None]] = {
    "connect": connect,
    "subscribe": subscribe,
    "unsubscribe": unsubscribe,
    "publish": publish,
    "presence": presence,
    "presence_stats": presence_stats,
    "history": history,
    "ping": ping,
    "send": send,
    "rpc": rpc,
    "refresh": refresh,
    "sub_refresh": sub_refresh,
}
"""By the field of `Command`, in the order in which a command is searched for one. Each is called with the session
and the request; it raises `Refused` or `Disconnect`."""
