"""Whom a client command talks to, and how: the options that ``connect`` and ``bench`` share."""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit

import click

from openline import connect, unix_connect

if TYPE_CHECKING:
    import ssl

P = ParamSpec("P")
R = TypeVar("R")

_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class WebSocketURL(click.ParamType[str]):
    """``ws://…`` or ``wss://…``; ``http`` and ``https`` mean the same, no scheme means ``ws``."""

    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        scheme, separator, rest = value.partition("://")
        if not separator:
            scheme, rest = "ws", value
        wanted = _SCHEMES.get(scheme.lower())
        if wanted is None:
            self.fail(f"{value!r} has the scheme {scheme!r}; ws and wss are known", param, ctx)
        url = f"{wanted}://{rest}"
        try:
            parts = urlsplit(url)
            valid = bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            self.fail(f"{value!r} is no URL such as ws://localhost:8765/path", param, ctx)
        return url


class Header(click.ParamType[tuple[str, str]]):
    """``Name: value``."""

    name = "header"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, colon, content = value.partition(":")
        if not colon or not name.strip():
            self.fail(f"{value!r} is not of the form 'Name: value'", param, ctx)
        return name.strip(), content.strip()


@dataclass(frozen=True, slots=True)
class Target:
    """One WebSocket address with what its handshake needs."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    subprotocols: tuple[str, ...] = ()
    origin: str | None = None
    auth: str | None = None
    insecure: bool = False
    cacert: str | None = None
    cert: str | None = None
    key: str | None = None
    unix: str | None = None
    proxy: str | None = None
    open_timeout: float | None = 10
    compress: bool = True

    @property
    def secure(self) -> bool:
        return self.url.startswith("wss:")

    def ssl_context(self) -> ssl.SSLContext:
        """Return the TLS context that the options describe.

        Raises:
            OSError: a file cannot be read.
            ssl.SSLError: a file is no certificate or key.
        """
        import ssl

        context = ssl.create_default_context(cafile=self.cacert)
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert is not None:
            context.load_cert_chain(self.cert, self.key)
        return context

    def connect(self, **arguments: Any) -> connect:
        """Return what `openline.connect` returns for this address.

        Args:
            arguments: Further arguments of `openline.connect`.
        """
        headers = list(self.headers)
        if self.auth is not None:
            credentials = base64.b64encode(self.auth.encode()).decode()
            headers.append(("Authorization", f"Basic {credentials}"))
        arguments |= {
            "additional_headers": headers,
            "subprotocols": list(self.subprotocols) or None,
            "origin": self.origin,
            "open_timeout": self.open_timeout,
            "compression": "deflate" if self.compress else None,
        }
        if self.secure:
            arguments["ssl"] = self.ssl_context()
        if self.unix is not None:
            return unix_connect(self.unix, self.url, **arguments)
        match self.proxy:
            case None:
                return connect(self.url, **arguments)
            case "none":
                return connect(self.url, proxy=None, **arguments)
            case proxy:
                return connect(self.url, proxy=proxy, **arguments)


_FILE = click.Path(exists=True, dir_okay=False)

_OPTIONS = [
    click.argument("url", type=WebSocketURL()),
    click.option(
        "-H",
        "--header",
        "headers",
        type=Header(),
        multiple=True,
        metavar="'NAME: VALUE'",
        help="A header of the handshake; repeatable.",
    ),
    click.option(
        "-s",
        "--subprotocol",
        "subprotocols",
        multiple=True,
        metavar="NAME",
        help="A subprotocol to offer; repeatable, best first.",
    ),
    click.option("-o", "--origin", metavar="ORIGIN", help="The Origin header, as a browser would send it."),
    click.option("--auth", metavar="USER:PASSWORD", help="Credentials for HTTP Basic authentication."),
    click.option("-k", "--insecure", is_flag=True, help="Accept any TLS certificate."),
    click.option("--cacert", type=_FILE, help="Trust the certificates of this PEM file (and only these)."),
    click.option("--cert", type=_FILE, help="Client certificate, PEM."),
    click.option("--key", type=_FILE, help="Key of the client certificate, where --cert lacks it."),
    click.option("--unix", type=click.Path(), metavar="PATH", help="Connect to this Unix socket instead."),
    click.option(
        "--proxy",
        metavar="URL",
        help="http://, https:// or socks5:// proxy; 'none' for none. [default: from the environment]",
    ),
    click.option(
        "--open-timeout",
        type=click.FloatRange(0, min_open=True),
        default=10,
        show_default=True,
        metavar="SECONDS",
        help="Time for the connection and its handshake; 'inf' for no limit.",
    ),
    click.option(
        "--compress/--no-compress", default=True, help="Offer permessage-deflate.  [default: compress]"
    ),
]


def target_options(command: Callable[Concatenate[Target, P], R]) -> Callable[..., R]:
    """Give a command the URL argument and the options of a `Target`, which becomes its first argument."""

    @functools.wraps(command)
    def with_target(*args: Any, **kwargs: Any) -> R:
        own = {name: kwargs.pop(name) for name in Target.__dataclass_fields__}
        if own["open_timeout"] == float("inf"):
            own["open_timeout"] = None
        if own["key"] is not None and own["cert"] is None:
            raise click.UsageError("--key needs --cert")
        return command(Target(**own), *args, **kwargs)

    for option in reversed(_OPTIONS):
        with_target = option(with_target)
    return with_target
