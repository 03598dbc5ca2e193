"""From a configuration to a hub, and from a newer one to the same hub."""

from __future__ import annotations

import dataclasses

from openline.hub.brokers import open_broker
from openline.hub.config.records import HubConfig
from openline.hub.hub import Hub

__all__ = ["build_hub", "update_hub"]

_TOKENS = ("token", "subscription_token")


def build_hub(config: HubConfig) -> Hub:
    """Make the hub that a configuration describes; it is not started yet."""
    hub = Hub(
        open_broker(config.broker.url, **config.broker.options),
        **{one.name: getattr(config.hub, one.name) for one in dataclasses.fields(config.hub)},
    )
    for name, options in config.namespaces.items():
        hub.set_namespace(name, options)
    return hub


def update_hub(hub: Hub, old: HubConfig, new: HubConfig) -> tuple[HubConfig, list[str]]:
    """Change a running hub to newer tokens and namespaces.

    Subscriptions that there are keep the options of their beginning; connections stay although their token would not be
    accepted any more.

    Args:
        hub: The hub.
        old: What it runs by.
        new: What it shall run by.

    Returns:
        What it runs by now, and the names of those options that differ but need a restart.
    """
    hub.set_tokens(new.hub)
    for name, options in new.namespaces.items():
        hub.set_namespace(name, options)
    for name in old.namespaces.keys() - new.namespaces.keys():
        hub.remove_namespace(name)
    waiting = [
        *(one for one in _differing(old.hub, new.hub) if one not in _TOKENS),
        *(f"server.{one}" for one in _differing(old.server, new.server)),
        *(f"broker.{one}" for one in _differing(old.broker, new.broker)),
    ]
    tokens = {name: getattr(new.hub, name) for name in _TOKENS}
    runs = dataclasses.replace(
        old, hub=dataclasses.replace(old.hub, **tokens), namespaces=dict(new.namespaces)
    )
    return runs, waiting


def _differing(one: object, other: object) -> list[str]:
    names = [field.name for field in dataclasses.fields(one)]  # type: ignore[arg-type]
    return [name for name in names if getattr(one, name) != getattr(other, name)]
