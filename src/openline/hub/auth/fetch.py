"""One small document from a web server, by HTTP/1.1, on the loop and bounded in time and size."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from urllib.parse import SplitResult, urlsplit

import h11

__all__ = ["Document", "FetchFailed"]


class FetchFailed(Exception):
    """The document could not be had; the text says why."""


class Document:
    """Where a document is, and how to get it.

    The proxies of the environment are not used, and redirects are not followed: the place is where the configuration
    says. TLS certificates are verified against the system's authorities, or those that ``SSL_CERT_FILE`` names.

    Args:
        url: ``https://…``; ``http://…`` only to this machine.
        insecure: Allow ``http`` to others, too.
        max_size: Largest document, in bytes.
        timeout: Seconds for all of it, from the name's resolution to the last byte.

    Raises:
        ValueError: the URL is none of these.
    """

    def __init__(self, url: str, *, insecure: bool, max_size: int, timeout: float) -> None:
        self._parts = _checked(url, insecure)
        self._max_size = max_size
        self._timeout = timeout
        self._ssl = ssl.create_default_context() if self._parts.scheme == "https" else None

    async def get(self) -> bytes:
        """Return the document.

        Raises:
            FetchFailed: it cannot be had.

        Cancel: safe; the connection is cut.
        """
        host, port = self._parts.hostname, self._parts.port or (443 if self._ssl else 80)
        try:
            async with asyncio.timeout(self._timeout):
                reader, writer = await asyncio.open_connection(
                    host, port, ssl=self._ssl, happy_eyeballs_delay=0.25
                )
                try:
                    return await self._exchange(reader, writer)
                finally:
                    # Not `close`, which would wait for the peer's end of TLS.
                    writer.transport.abort()
        except TimeoutError:
            raise FetchFailed(f"no answer within {self._timeout:g} s") from None
        except (OSError, h11.RemoteProtocolError) as error:
            raise FetchFailed(str(error) or type(error).__name__) from None

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        http = h11.Connection(h11.CLIENT)
        target = self._parts.path or "/"
        if self._parts.query:
            target += f"?{self._parts.query}"
        headers = [("Host", self._parts.netloc), ("Accept", "application/json"), ("Connection", "close")]
        writer.write(http.send(h11.Request(method="GET", target=target, headers=headers)) or b"")
        writer.write(http.send(h11.EndOfMessage()) or b"")
        body = bytearray()
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await reader.read(2**16))
            elif isinstance(event, h11.Response):
                if event.status_code != 200:
                    raise FetchFailed(f"it was answered with status {event.status_code}")
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > self._max_size:
                    raise FetchFailed(f"the answer is longer than {self._max_size} bytes")
            elif isinstance(event, h11.EndOfMessage):
                return bytes(body)
            elif not isinstance(event, h11.InformationalResponse):
                raise FetchFailed("the answer ended early")


def _checked(url: str, insecure: bool) -> SplitResult:
    # Raises ValueError itself where brackets or the port are wrong.
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.port == 0:
        raise ValueError(f"{url!r} is no address of the web")
    if parts.username is not None or parts.fragment:
        raise ValueError("a user name or a fragment cannot be part of it")
    if any(not 0x21 <= ord(letter) <= 0x7E for letter in url):
        raise ValueError("it holds a character that must be percent-encoded")
    if parts.scheme == "http" and not insecure and not _is_this_machine(parts.hostname):
        raise ValueError("keys that come by http can be replaced on the way: use https")
    return parts


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
