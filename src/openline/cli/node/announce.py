"""What a node says when it serves: where everything is, and what is off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from openline.cli.server.access_log import peer_name
from openline.hub.config.records import HubConfig

__all__ = ["announcement"]


def announcement(config: HubConfig, addresses: Sequence[Any], workers: int = 1) -> Iterator[str]:
    """Return lines for people.

    Args:
        config: What it runs by.
        addresses: What is listened on.
        workers: Processes that do.
    """
    secure = "s" if config.server.certfile is not None else ""
    hub = config.hub
    for address in addresses:
        base = f"{peer_name(address)}{config.server.prefix}"
        yield f"serving the hub at ws{secure}://{base}/connection/websocket"
        web = f"http{secure}://{base}"
        yield f"  without WebSocket  {web}/connection/http_stream, /connection/sse, /emulation"
        if hub.api_key is not None:
            yield f"  server API         {web}/api/"
        if hub.admin_password is not None:
            yield f"  admin page         {web}/admin/"
        if hub.metrics:
            yield f"  metrics            {web}/metrics"
        yield f"  health             {web}/health"
    scheme = config.broker.url.partition("://")[0]
    yield f"broker {scheme}; {_count(len(config.namespaces), 'namespace')}{_names(config)}"
    off = [
        name
        for name, is_on in (
            ("server API (api_key)", hub.api_key is not None),
            ("admin page (admin_password)", hub.admin_password is not None),
            ("metrics", hub.metrics),
            ("TLS (certfile)", bool(secure)),
        )
        if not is_on
    ]
    if off:
        yield f"off: {', '.join(off)}"
    if hub.insecure:
        yield "INSECURE: everybody may do everything, without a token. For development only!"
    elif not hub.token.enabled:
        yield "nobody can connect: there is no key for tokens (see openline hub init)"
    if workers > 1:
        yield f"by {workers} workers"
    yield "Ctrl-C ends it"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _names(config: HubConfig) -> str:
    names = ", ".join(name or '""' for name in config.namespaces)
    return f": {names}" if names else ""
