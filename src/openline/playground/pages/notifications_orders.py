"""What visitors may have sent to themselves: checked, since it comes from outside."""

from __future__ import annotations

from collections.abc import Container
from typing import Annotated

import msgspec

from openline.hub import ErrorCode, Refused

__all__ = ["Order", "order_of", "wanted"]


class Order(msgspec.Struct):
    """A notification that a visitor asks for.

    Attributes:
        topic: One of the page's.
        title: Shown as it is: text.
        text: Likewise.
        key: The visitor's own name for it: with the same it comes once.
        ttl: Seconds until it goes by itself; None: as usual.
        delay: Seconds until it is sent.
    """

    topic: str
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[-_a-zA-Z0-9]+\Z")]
    text: Annotated[str, msgspec.Meta(max_length=240)] = ""
    ttl: Annotated[int, msgspec.Meta(ge=5, le=86400)] | None = None
    delay: Annotated[int, msgspec.Meta(ge=0, le=60)] = 0


class _Switch(msgspec.Struct):
    on: bool


def order_of(data: object, topics: Container[str]) -> Order:
    """Return what is asked for.

    Raises:
        Refused: 107, it makes no sense.
    """
    try:
        order = msgspec.convert(data, Order)
    except msgspec.ValidationError as error:
        raise Refused(ErrorCode.BAD_REQUEST, str(error)[:200]) from None
    if order.topic not in topics:
        raise Refused(ErrorCode.BAD_REQUEST, "there is no such topic")
    return order


def wanted(data: object) -> bool:
    """Return whether a switch is to be on.

    Raises:
        Refused: 107, it says neither.
    """
    try:
        return msgspec.convert(data, _Switch).on
    except msgspec.ValidationError as error:
        raise Refused(ErrorCode.BAD_REQUEST, str(error)[:200]) from None
