"""``ping``: an empty answer, for clients that ask by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openline.hub.commands.answer import Answer
from openline.hub.subprotocols.messages import PingRequest

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["ping"]


async def ping(session: Session, request: PingRequest) -> Answer:
    """Answer."""
    return Answer(None)
