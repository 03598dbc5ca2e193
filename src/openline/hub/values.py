"""Between the application's objects and payloads."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from openline.hub.publication import Payload
from openline.hub.subprotocols.base import NotJSON
from openline.hub.subprotocols.payload import check_json

__all__ = ["to_info", "to_optional_payload", "to_payload", "to_value"]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_BEGINNINGS = frozenset(b' \t\n\r"[{-0123456789tfn')
"""Bytes that a JSON value begins with, or the space before one."""


def to_payload(value: Any) -> Payload:
    """Make a payload of what the application gives.

    Args:
        value: A payload or bytes-like: taken as it is. Anything else: encoded as JSON.

    Raises:
        TypeError: it cannot be encoded as JSON.
    """
    kind: type = value.__class__
    if kind is dict or kind is list or kind is str:
        return Payload(_encode(value))
    if kind is Payload:
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Payload(bytes(cast("bytes", value)))
    return Payload(_encode(value))


def to_optional_payload(value: Any) -> Payload | None:
    """Make a payload of what the application gives, see `to_payload`; None: there is none."""
    return None if value is None else to_payload(value)


def to_info(value: Any) -> Payload | None:
    """Make a payload of what is shown of a client; None: nothing is.

    It goes into the frames of others, whatever their encoding, and so it must be JSON; it is checked here, once.

    Raises:
        ValueError: these bytes are not JSON.
    """
    if value is None:
        return None
    payload = to_payload(value)
    try:
        return check_json(bytes(payload))
    except NotJSON as error:
        raise ValueError(f"info must be JSON: {error}") from None


def to_value(payload: Payload | None) -> Any:
    """Return what a payload stands for: the JSON value, or bytes where it is not JSON. None: there is none."""
    if payload is None:
        return None
    data = bytes(payload)
    if data and data[0] not in _BEGINNINGS:
        return data  # at once: what games send 30 times a second begins with no byte of JSON's
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return data
