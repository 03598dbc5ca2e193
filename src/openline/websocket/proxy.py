"""Proxies: which one to use (RFC 6455 section 4.1), and how to get through it to the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from openline.exceptions import InvalidProxy, InvalidProxyMessage, InvalidProxyStatus, ProxyError
from openline.protocol.headers import Headers, build_authorization_basic, build_host
from openline.protocol.http11 import find_head_end, parse_response
from openline.protocol.uri import WebSocketURI

if TYPE_CHECKING:
    import socket

__all__ = ["Proxy", "ProxyAnswer", "connect_request", "get_proxy", "open_socks", "parse_proxy"]

_DEFAULT_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}


@dataclass(frozen=True, slots=True)
class Proxy:
    """The address of a proxy.

    Attributes:
        scheme: ``http``, ``https``, ``socks5h`` or ``socks4a`` (the proxy resolves names), ``socks5`` or ``socks4``
            (they are resolved here).
        host: Name or address, in lower case.
        port: TCP port.
        username: For the proxy's authentication; None: no authentication.
        password: None exactly where ``username`` is None.
    """

    scheme: str
    host: str
    port: int
    username: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        # Without the password, since it ends up in logs.
        user = "" if self.username is None else f"{self.username}:***@"
        return f"<Proxy {self.scheme}://{user}{self.host}:{self.port}>"


def parse_proxy(proxy: str) -> Proxy:
    """Take the address of a proxy apart.

    Raises:
        InvalidProxy: if it is no such address. Its text does not repeat the password.
    """
    try:
        parts = urlsplit(proxy)
        host, port, username, password = parts.hostname, parts.port, parts.username, parts.password
    except ValueError as exc:
        raise InvalidProxy(_without_password(proxy), str(exc)) from exc
    if parts.scheme not in _DEFAULT_PORTS:
        raise InvalidProxy(_without_password(proxy), f"scheme {parts.scheme} isn't supported")
    if not host:
        raise InvalidProxy(_without_password(proxy), "hostname isn't provided")
    for name, value, empty in (
        ("path", parts.path, ("", "/")),
        ("query", parts.query, ("",)),
        ("fragment", parts.fragment, ("",)),
    ):
        if value not in empty:
            raise InvalidProxy(_without_password(proxy), f"{name} is meaningless")
    if username is not None:
        if password is None:
            raise InvalidProxy(_without_password(proxy), "username provided without password")
        try:
            username, password = unquote(username, errors="strict"), unquote(password, errors="strict")
        except UnicodeDecodeError as exc:
            raise InvalidProxy(_without_password(proxy), "credentials aren't UTF-8") from exc
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError as exc:
            raise InvalidProxy(_without_password(proxy), "invalid internationalised host name") from exc
    if port is None:
        port = _DEFAULT_PORTS[parts.scheme]
    return Proxy(parts.scheme, host, port, username, password)


def _without_password(proxy: str) -> str:
    before, at, after = proxy.rpartition("@")
    scheme, separator, _ = before.partition("://")
    return f"{scheme}{separator}***@{after}" if at else proxy


def get_proxy(uri: WebSocketURI) -> str | None:
    """Find the proxy that the environment (or the system's configuration) names for ``uri``.

    RFC 6455 section 4.1 wants a SOCKS proxy before one for HTTPS, and that before one for HTTP; ``ws_proxy`` and
    ``wss_proxy`` come before them all, so that WebSockets can be given a proxy of their own.

    Returns:
        Its address; None if there is none, or if ``no_proxy`` excludes the host.
    """
    # Imported here since it takes longer than all of openline.
    from urllib.request import getproxies, proxy_bypass

    if proxy_bypass(f"{uri.host}:{uri.port}"):
        return None
    proxies = getproxies()
    for scheme in ("wss", "socks", "https") if uri.secure else ("ws", "socks", "https", "http"):
        proxy = proxies.get(scheme)
        if proxy:
            # macOS and Windows give a SOCKS proxy as {"socks": "http://host:port"}.
            if scheme == "socks" and proxy.startswith("http://"):
                proxy = "socks5h://" + proxy.removeprefix("http://")
            return proxy
    return None


def connect_request(proxy: Proxy, uri: WebSocketURI, user_agent_header: str | None) -> bytes:
    """Build the request for a tunnel to the server of ``uri`` (RFC 9110 section 9.3.6)."""
    # The target of CONNECT always has a port; Host must be equal to it (RFC 9112 section 3.2.3).
    target = build_host(uri.host, uri.port, uri.secure, always_include_port=True)
    headers = Headers()
    headers["Host"] = target
    if user_agent_header is not None:
        headers["User-Agent"] = user_agent_header
    if proxy.username is not None and proxy.password is not None:
        headers["Proxy-Authorization"] = build_authorization_basic(proxy.username, proxy.password)
    return f"CONNECT {target} HTTP/1.1\r\n".encode("ascii") + headers.serialize()


class ProxyAnswer:
    """Reads what a proxy answers to CONNECT, without I/O."""

    __slots__ = ("_head",)

    def __init__(self) -> None:
        self._head = bytearray()

    def feed(self, data: bytes) -> bool:
        """Take bytes from the proxy; empty: it has closed its side.

        Returns:
            True once the tunnel is open.

        Raises:
            InvalidProxyStatus: if the proxy refuses.
            InvalidProxyMessage: if what it sends is no HTTP response, or is more than that: the server behind it
                speaks only after this client has.
        """
        if not data:
            raise InvalidProxyMessage("proxy closed the connection before it answered") from EOFError()
        self._head += data
        try:
            end = find_head_end(self._head)
            if end is None:
                return False
            response = parse_response(bytes(self._head[:end]))
        except Exception as exc:
            raise InvalidProxyMessage("did not receive a valid HTTP response from proxy") from exc
        if not 200 <= response.status_code < 300:
            raise InvalidProxyStatus(response)
        if len(self._head) > end:
            raise InvalidProxyMessage("proxy sent data before the server could have")
        return True


async def open_socks(proxy: Proxy, uri: WebSocketURI, local_addr: tuple[str, int] | None) -> socket.socket:
    """Connect to the server of ``uri`` through a SOCKS proxy.

    Cancel: safe; the socket is closed.

    Raises:
        ImportError: if python-socks is not installed.
        OSError: if the proxy cannot be reached.
        ProxyError: if it refuses.
    """
    try:
        from python_socks import ProxyType
        from python_socks.async_.asyncio import Proxy as SocksProxy
    except ImportError as exc:
        raise ImportError(
            "connecting through a SOCKS proxy needs python-socks: pip install 'openline[socks]'"
        ) from exc

    kind = ProxyType.SOCKS5 if proxy.scheme.startswith("socks5") else ProxyType.SOCKS4
    socks = SocksProxy(
        kind,
        proxy.host,
        proxy.port,
        proxy.username,
        proxy.password,
        rdns=proxy.scheme in ("socks5h", "socks4a"),
    )
    try:
        return await socks.connect(uri.host, uri.port, local_addr=local_addr)
    except OSError:
        raise
    except Exception as exc:
        raise ProxyError(f"SOCKS proxy refused the connection: {exc}") from exc
