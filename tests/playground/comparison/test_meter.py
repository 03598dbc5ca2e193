"""The meter counts what the kernel counts: every byte of each technique, headers and handshakes included."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from openline import connect
from openline.playground.comparison.http_client import get
from openline.playground.comparison.meter import make
from tests.playground.comparison.kernel import bytes_of
from tests.playground.comparison.servers import serving


@asynccontextmanager
async def metered(technique: str) -> AsyncIterator[tuple[Any, int, Any]]:
    """A meter before a server; gives the server's role, the meter's port, and the meter's role."""
    async with serving(technique) as (role, port):
        sock = socket.create_server(("127.0.0.1", 0))
        public = sock.getsockname()[1]
        meter = make({technique: (sock.detach(), port)})
        await meter.start()
        try:
            yield role, public, meter
        finally:
            await meter._relays[technique].close()


async def counted(meter: Any, technique: str, expected: tuple[int, int]) -> None:
    """Wait until the meter has counted as much; more or other than that never becomes right."""
    async with asyncio.timeout(10.0):
        while True:
            report = (await meter.obey({}))[technique]
            if (report["received"], report["sent"]) == expected:
                return
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("technique", ["polling", "long_polling", "server_sent_events"])
async def test_http_is_counted_as_the_kernel_does(technique: str) -> None:
    async with metered(technique) as (role, port, meter):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(3):
            if technique != "server_sent_events" or number == 0:
                writer.write(get("/?after=0", f"127.0.0.1:{port}"))
            else:
                role._stream.put()
            await reader.readuntil(f'"n":{role._stream.last}'.encode())
            await reader.readuntil(b'"}')
            if technique != "server_sent_events":
                await reader.readexactly(1)
        if technique == "server_sent_events":
            await reader.readuntil(b"\n\n\r\n")
        await counted(meter, technique, bytes_of(writer.get_extra_info("socket")))
        assert bytes_of(writer.get_extra_info("socket"))[0] > 400
        writer.close()
        await writer.wait_closed()


async def test_websocket_is_counted_as_the_kernel_does() -> None:
    async with metered("websocket") as (role, port, meter):
        async with connect(f"ws://127.0.0.1:{port}/") as ws:
            handshake = bytes_of(ws.get_extra_info("socket"))
            await counted(meter, "websocket", handshake)
            for size in (64, 200, 4096):
                role._stream._settings = role._stream._settings.changed({"size": size})
                role._stream.put()
                await ws.recv()
            sent, received = bytes_of(ws.get_extra_info("socket"))
            # A frame's header is 2 bytes, and 4 from a payload of 126 bytes on (RFC 6455 section 5.2).
            assert (sent, received) == (handshake[0], handshake[1] + 64 + 2 + 200 + 4 + 4096 + 4)
            await counted(meter, "websocket", (sent, received))
        report = (await meter.obey({}))["websocket"]
        assert report["connections"] == 1
