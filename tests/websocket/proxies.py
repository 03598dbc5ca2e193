"""Small real proxies: HTTP CONNECT and SOCKS, that pass bytes on and remember what they were asked for."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """A running proxy.

    Attributes:
        port: Where it listens.
        targets: The hosts and ports that it connected to.
        heads: The heads of the requests that it got (HTTP).
    """

    port: int = 0
    targets: list[tuple[str, int]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)


async def pass_on(
    target: tuple[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter, granted: bytes
) -> None:
    onward_reader, onward_writer = await asyncio.open_connection(*target)
    writer.write(granted)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(2**16):
                sink.write(data)
                await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
        else:
            sink.close()

    await asyncio.gather(pump(reader, onward_writer), pump(onward_reader, writer))
    onward_writer.close()


@asynccontextmanager
async def running(
    talk: Callable[[Proxy, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Proxy]:
    proxy = Proxy()
    talks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await talk(proxy, reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await asyncio.gather(*talks)


def http_proxy(
    *,
    tls: ssl.SSLContext | None = None,
    credentials: tuple[str, str] | None = None,
    answer: bytes | None = None,
) -> AbstractAsyncContextManager[Proxy]:
    """A proxy for CONNECT.

    Args:
        tls: Speaks TLS with its clients.
        credentials: Whom it lets through; None: everybody.
        answer: What it answers instead of passing on.
    """

    async def talk(proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        proxy.heads.append(head)
        if answer is not None:
            writer.write(answer)
            return
        if credentials is not None:
            expected = base64.b64encode(":".join(credentials).encode()).decode()
            if f"Proxy-Authorization: Basic {expected}\r\n" not in head:
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
        method, target, version = head.split("\r\n", 1)[0].split(" ")
        assert (method, version) == ("CONNECT", "HTTP/1.1")
        host, _, port = target.rpartition(":")
        proxy.targets.append((host.strip("[]"), int(port)))
        await pass_on(proxy.targets[-1], reader, writer, b"HTTP/1.1 200 Connection established\r\n\r\n")

    return running(talk, tls)


def socks5_proxy(*, credentials: tuple[str, str] | None = None) -> AbstractAsyncContextManager[Proxy]:
    """A SOCKS 5 proxy (RFC 1928), with authentication by name and password (RFC 1929) if ``credentials`` are given."""

    async def talk(proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        version, count = await reader.readexactly(2)
        assert version == 5
        methods = await reader.readexactly(count)
        if credentials is None:
            assert 0 in methods
            writer.write(b"\x05\x00")
        else:
            if 2 not in methods:
                writer.write(b"\x05\xff")
                return
            writer.write(b"\x05\x02")
            _, size = await reader.readexactly(2)
            name = (await reader.readexactly(size)).decode()
            (size,) = await reader.readexactly(1)
            password = (await reader.readexactly(size)).decode()
            if (name, password) != credentials:
                writer.write(b"\x01\x01")
                return
            writer.write(b"\x01\x00")
        version, command, _, kind = await reader.readexactly(4)
        assert (version, command) == (5, 1)
        if kind == 1:
            host = socket.inet_ntoa(await reader.readexactly(4))
        elif kind == 3:
            (size,) = await reader.readexactly(1)
            host = (await reader.readexactly(size)).decode()
        else:
            host = socket.inet_ntop(socket.AF_INET6, await reader.readexactly(16))
        (port,) = struct.unpack("!H", await reader.readexactly(2))
        proxy.targets.append((host, port))
        if host == "forbidden.invalid":
            writer.write(b"\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00")
            return
        await pass_on((host, port), reader, writer, b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")

    return running(talk)
