"""Values of options: whether what was written has the type of the option, in TOML and in the environment."""

from __future__ import annotations

import math
import re
import types
import typing
from collections.abc import Sequence
from typing import Any, Literal, Union

__all__ = ["checked", "describe", "from_text"]

_TRUTHS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def _arms(kind: Any) -> tuple[Any, ...]:
    """The types of a union without None, or the type itself."""
    if typing.get_origin(kind) in (Union, types.UnionType):
        return tuple(arm for arm in typing.get_args(kind) if arm is not type(None))
    return (kind,)


def _is_list(kind: Any) -> bool:
    return typing.get_origin(kind) is Sequence


def describe(kind: Any) -> str:
    """Say in words what an option of this type takes."""
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}
    (arm,) = _arms(kind)
    if typing.get_origin(arm) is Literal:
        return "one of " + ", ".join(repr(choice) for choice in typing.get_args(arm))
    return "a list of strings" if _is_list(arm) else words[arm]


def checked(value: object, kind: Any) -> Any:
    """Return a value of a TOML document as the option's type has it.

    Lists are origins of pages: ``*`` in one stands for any part of a host's name or port, and clients that send no
    origin always belong to them.

    Args:
        value: The value.
        kind: The option's type: bool, int, float, str, a choice of strings or a list, or one of them or None.

    Raises:
        ValueError: it is of another type; the text begins with ``must be``.
    """
    (arm,) = _arms(kind)
    if arm is float and type(value) is int:
        value = float(value)
    if _is_list(arm):
        if isinstance(value, list) and all(
            isinstance(one, str) for one in typing.cast("list[object]", value)
        ):
            return (*map(_origin, typing.cast("list[str]", value)), None)
    elif typing.get_origin(arm) is Literal:
        if isinstance(value, str) and value in typing.get_args(arm):
            return value
    elif type(value) is arm and not (isinstance(value, float) and math.isnan(value)):
        return value
    # The value itself may be a secret.
    raise ValueError(f"must be {describe(kind)}, not {_type_of(typing.cast('object', value))}")


def from_text(text: str, kind: Any) -> Any:
    """Return a value of the environment as the option's type has it; lists have commas between their members.

    Raises:
        ValueError: as `checked`.
    """
    (arm,) = _arms(kind)
    value: object = text
    try:
        if arm is bool:
            value = _TRUTHS.get(text.strip().lower(), text)
        elif arm in (int, float):
            value = arm(text)
        elif _is_list(arm):
            value = [part.strip() for part in text.split(",") if part.strip()]
    except ValueError:
        pass
    return checked(value, kind)


def _origin(text: str) -> str | re.Pattern[str]:
    if "*" not in text:
        return text.lower().rstrip("/")
    if text == "*":
        return re.compile(".*", re.DOTALL)
    return re.compile("[^/]*".join(map(re.escape, text.rstrip("/").split("*"))), re.IGNORECASE)


def _type_of(value: object) -> str:
    words: dict[type, str] = {
        bool: "true or false",
        int: "a whole number",
        float: "this number",
        str: "this string",
        list: "this list",
        dict: "a table",
    }
    return words.get(type(value), "a date or time")
