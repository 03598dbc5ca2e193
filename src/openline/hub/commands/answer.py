"""What a command comes to."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from openline.hub.publication import Payload, Publication
from openline.hub.values import to_payload

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["MADE_HERE", "Answer", "fit", "fit_publication", "remaining"]


MADE_HERE = frozenset({dict, list, str, int, float, bool})
"""What is encoded by us, and so needs no check."""


class Answer(msgspec.Struct, gc=False):
    """The answer to a command.

    Attributes:
        result: The record that stands in the reply; None: an empty reply.
        after: Called once the reply is written; None: nothing is.
    """

    result: Any
    after: Callable[[], None] | None = None


def fit(session: Session, value: Any) -> Payload | None:
    """Make a payload that may stand in a frame of this session; None: there is none.

    Raises:
        NotJSON: the session speaks JSON, and these bytes are not.
    """
    if value is None:
        return None
    if type(value) in MADE_HERE:
        return to_payload(value)
    payload = to_payload(value)
    if payload is value or isinstance(value, (bytes, bytearray, memoryview)):
        return session.subprotocol.check_payload(bytes(payload))
    return payload  # made here: it is JSON, on one line


def fit_publication(session: Session, publication: Publication, *, delta: bool = False) -> Publication:
    """Return a publication that may stand in a frame of this session; see `fit`.

    Args:
        session: The session.
        publication: What the broker gave.
        delta: In an encoding that wraps payloads for subscribers with deltas, wrap it.
    """
    data = session.subprotocol.check_payload(bytes(publication.data))
    fitting = replace(publication, data=data)
    if delta:
        fitting = replace(fitting, data=session.subprotocol.delta_data(fitting, None)[0])
    return fitting


def remaining(expire_at: float) -> tuple[bool, int]:
    """Return ``expires`` and ``ttl`` of a result, for a time in seconds since 1970; 0.0: never."""
    return (False, 0) if not expire_at else (True, max(int(expire_at - time.time()), 1))
