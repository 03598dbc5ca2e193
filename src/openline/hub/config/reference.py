"""All options with their meaning, from the docstrings of the records: for the example file and the documentation."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import Any, NamedTuple

from openline.hub.config.broker_kinds import BROKERS, broker_kinds
from openline.hub.config.load import SECRETS, kinds_of
from openline.hub.config.records import ServerOptions
from openline.hub.config.values import describe
from openline.hub.namespace import ChannelOptions
from openline.hub.options import HubOptions, TokenOptions

__all__ = ["Option", "broker_options", "options_of", "tables"]

_ATTRIBUTES = re.compile(r"^(?:Attributes|Args):\n(.*?)(?=^\S|\Z)", re.DOTALL | re.MULTILINE)
_ONE = re.compile(r"^    (\w+): (.*?)(?=^    \w+: |\Z)", re.DOTALL | re.MULTILINE)


class Option(NamedTuple):
    """One option.

    Attributes:
        name: Its name.
        kind: What it takes, in words.
        default: What holds without it, as TOML; empty: nothing.
        text: What it means, in one line.
        secret: Whether it may stand in a file of its own.
    """

    name: str
    kind: str
    default: str
    text: str
    secret: bool


def options_of(record: type, defaults: object, secrets: frozenset[str] = frozenset()) -> list[Option]:
    """Return the options of a record, in its order.

    Args:
        record: Its class.
        defaults: One of it with what holds where nothing is said.
        secrets: Those that may stand in a file.
    """
    texts = _texts(record)
    kinds = kinds_of(record)
    return [
        Option(
            one.name,
            describe(kinds[one.name]),
            _toml(getattr(defaults, one.name)),
            texts.get(one.name, ""),
            one.name in secrets,
        )
        for one in dataclasses.fields(record)
        if one.name in kinds
    ]


def tables() -> dict[str, list[Option]]:
    """Return the options of all tables of ``hub.toml`` but the broker's, by the table's name; empty: those above."""
    return {
        "": options_of(HubOptions, HubOptions(), SECRETS[()]),
        "token": options_of(TokenOptions, TokenOptions(), SECRETS[("token",)]),
        "server": options_of(ServerOptions, ServerOptions()),
        "namespaces": options_of(ChannelOptions, ChannelOptions.closed()),
    }


def broker_options(name: str) -> list[Option]:
    """Return the options of a broker but its URL.

    Args:
        name: One of `BROKERS`.
    """
    takes = BROKERS[name]()
    texts = _texts(takes)
    defaults = inspect.signature(takes).parameters
    return [
        Option(one, describe(kind), _toml(defaults[one].default), texts.get(one, ""), False)
        for one, kind in broker_kinds(f"{name}://").items()
    ]


def _texts(documented: object) -> dict[str, str]:
    section = _ATTRIBUTES.search(inspect.cleandoc(documented.__doc__ or ""))
    return {name: " ".join(text.split()) for name, text in _ONE.findall(section[1] if section else "")}


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
