"""TLS under a line, in both ways: on OpenSSL's own `SSL *`, and through memory BIOs.

The way is chosen once in a process. All of this runs once more in a process of its own, where `OPENLINE_TLS=object`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import trustme

from openline.engine.native.engine import NativeEngine
from openline.engine.native.line import Line
from openline.protocol.frames import Opcode
from tests.engine.native.bare import (
    Bare,
    ClientBare,
    Collecting,
    RawBare,
    frame,
    frames_of,
    narrow_pair,
    tcp_pair,
)

pytestmark = [pytest.mark.native, pytest.mark.timeout(20)]

FORCED = os.environ.get("OPENLINE_TLS") == "object"


@pytest.mark.skipif(FORCED, reason="this is the process in which the other way is forced")
@pytest.mark.timeout(200)
def test_all_of_this_holds_through_memory_bios() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    ended = subprocess.run(
        command, env=os.environ | {"OPENLINE_TLS": "object"}, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


class Peer:
    """The other end: Python's own TLS over a plain socket, which reads only when it is told to."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, **arguments: Any) -> None:
        self.raw = sock
        self._loop = asyncio.get_running_loop()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, **arguments)

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._loop.sock_sendall(self.raw, self._outgoing.read())

    async def _until_done(self, function: Callable[..., Any], *arguments: Any) -> Any:
        while True:
            try:
                done = function(*arguments)
            except ssl.SSLWantReadError:
                await self._flush()
                data = await self._loop.sock_recv(self.raw, 65536)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            except ssl.SSLError:
                await self._flush()  # the alert
                raise
            else:
                await self._flush()
                return done

    async def handshake(self) -> None:
        await self._until_done(self.tls.do_handshake)

    async def send(self, data: bytes) -> None:
        self.tls.write(data)
        await self._flush()

    async def read(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            data += await self._until_done(self.tls.read, min(65536, size - len(data)))
        return bytes(data)

    async def read_to_end(self) -> bytes:
        """All until close_notify; a FIN without one is an error."""
        data = bytearray()
        with contextlib.suppress(ssl.SSLZeroReturnError):
            while piece := await self._until_done(self.tls.read, 65536):
                data += piece
        return bytes(data)

    async def close_notify(self) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        await self._flush()

    def close(self) -> None:
        self.raw.close()


@contextlib.asynccontextmanager
async def served(
    server: ssl.SSLContext,
    client: ssl.SSLContext,
    line: Any = None,
    pair: tuple[socket.socket, socket.socket] | None = None,
    server_hostname: str = "localhost",
) -> AsyncIterator[tuple[Any, Peer]]:
    """A line that is the server, and a client opposite."""
    line = line if line is not None else Bare()
    ours, theirs = pair or tcp_pair()
    peer = Peer(theirs, client, server_hostname=server_hostname)
    engine = NativeEngine(asyncio.get_running_loop())
    try:
        await asyncio.gather(engine.adopt(ours, line, ssl=server, server_side=True), peer.handshake())
        yield line, peer
    finally:
        peer.close()
    line.abort()
    await line.until("lost")


def way_of(line: Any) -> str:
    """The class of what is between the line and its socket."""
    return next(
        name for name in (type(one).__name__ for one in gc.get_referents(line)) if name.endswith("TLS")
    )


async def test_the_way_is_the_one_that_was_asked_for(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with served(server_tls, client_tls) as (line, _):
        assert way_of(line) == ("ObjectTLS" if FORCED else "DirectTLS")


# -- both sides, both versions


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 65536, 1_000_000])
async def test_messages_of_every_size_both_ways(
    authority: trustme.CA, client_tls: ssl.SSLContext, version: ssl.TLSVersion, size: int
) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.maximum_version = version
    authority.issue_cert("localhost").configure_cert(server)
    message = bytes(n % 251 for n in range(size))
    async with served(server, client_tls) as (line, peer):
        assert peer.tls.version() == version.name.replace("_", ".")
        wire = frame(message, mask=None)
        for _ in range(2):
            _, received, _ = await asyncio.gather(
                line.send(message), peer.read(len(wire)), peer.send(frame(message))
            )
            assert received == wire
            assert await line.recv() == message


async def test_a_line_that_is_the_client(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    ours, theirs = tcp_pair()
    line: Any = ClientBare()
    peer = Peer(theirs, server_tls, server_side=True)
    engine = NativeEngine(asyncio.get_running_loop())
    await asyncio.gather(
        engine.adopt(ours, line, ssl=client_tls, server_hostname="localhost"), peer.handshake()
    )
    await line.send("hello")
    assert frames_of(await peer.read(2 + 4 + 5)) == [(Opcode.TEXT, b"hello")]
    await peer.send(frame("back", mask=None))
    assert await line.recv() == "back"
    assert line.get_extra_info("peercert")["subjectAltName"]
    assert line.get_extra_info("sslcontext") is client_tls
    assert line.get_extra_info("cipher")[0]
    assert line.get_extra_info("compression") is None
    peer.close()
    line.abort()
    await line.until("lost")


async def test_two_lines_talk_to_each_other(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    ours, theirs = tcp_pair()
    server, client = Bare(max_message_size=None), ClientBare()
    engine = NativeEngine(asyncio.get_running_loop())
    await asyncio.gather(
        engine.adopt(ours, server, ssl=server_tls, server_side=True),
        engine.adopt(theirs, client, ssl=client_tls, server_hostname="localhost"),
    )
    message = os.urandom(3_000_000)
    _, received = await asyncio.gather(client.send(message), server.recv())
    assert received == message
    for line in (server, client):
        line.abort()
        await line.until("lost")  # type: ignore[attr-defined]


async def test_start_tls_on_a_line_that_is_open_already(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """Behind a proxy. What is written meanwhile waits for the handshake."""
    ours, theirs = tcp_pair()
    line: Any = RawBare()
    await NativeEngine(asyncio.get_running_loop()).adopt(ours, line)
    line.write_raw(b"CONNECT")
    peer = Peer(theirs, server_tls, server_side=True)
    assert await asyncio.get_running_loop().sock_recv(theirs, 100) == b"CONNECT"
    line.start_tls(client_tls, server_hostname="localhost")
    line.write_raw(b"GET")
    await peer.handshake()
    assert await peer.read(3) == b"GET"
    await peer.send(b"200")
    assert await line.until("data") == ("data", b"200")
    peer.close()
    line.abort()
    await line.until("lost")


# -- certificates and names


async def test_a_certificate_that_is_not_trusted_ends_the_clients_adoption(
    server_tls: ssl.SSLContext,
) -> None:
    ours, theirs = tcp_pair()
    peer = Peer(theirs, server_tls, server_side=True)
    line: Any = ClientBare()
    engine = NativeEngine(asyncio.get_running_loop())
    adopted, shaken = await asyncio.gather(
        engine.adopt(ours, line, ssl=ssl.create_default_context(), server_hostname="localhost"),
        peer.handshake(),
        return_exceptions=True,
    )
    assert isinstance(adopted, ssl.SSLCertVerificationError)
    assert isinstance(shaken, ssl.SSLError)  # the alert came through
    assert "UNKNOWN_CA" in str(shaken).upper()
    assert not line.noted("made")
    assert line.is_closing()
    peer.close()
    await asyncio.sleep(0)


async def test_a_name_that_is_not_in_the_certificate_ends_the_clients_adoption(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    ours, theirs = tcp_pair()
    peer = Peer(theirs, server_tls, server_side=True)
    engine = NativeEngine(asyncio.get_running_loop())
    adopted, _ = await asyncio.gather(
        engine.adopt(ours, ClientBare(), ssl=client_tls, server_hostname="elsewhere.example"),
        peer.handshake(),
        return_exceptions=True,
    )
    assert isinstance(adopted, ssl.SSLCertVerificationError)
    assert "elsewhere.example" in str(adopted)
    peer.close()
    await asyncio.sleep(0)


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_client_certificates(authority: trustme.CA, shown: bool, version: ssl.TLSVersion) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.verify_mode = ssl.CERT_REQUIRED
    server.maximum_version = version
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    if shown:
        authority.issue_cert("client.example").configure_cert(client)
        async with served(server, client) as (line, _):
            names = dict(line.get_extra_info("peercert")["subjectAltName"])
            assert names == {"DNS": "client.example"}
        return
    with pytest.raises(ssl.SSLError, match=r"(?i)peer.did.not.return.a.certificate"):
        async with served(server, client):
            pass
    await asyncio.sleep(0)


async def test_the_sni_callback_of_the_context_chooses_the_certificate(authority: trustme.CA) -> None:
    """Its own: what makes the `SSL *` itself loses it."""
    names: list[str | None] = []
    first = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    second = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("first.example").configure_cert(first)
    authority.issue_cert("second.example").configure_cert(second)

    def choose(ssl_object: Any, name: str | None, context: ssl.SSLContext) -> None:
        names.append(name)
        if name == "second.example":
            ssl_object.context = second

    first.sni_callback = choose
    client = ssl.create_default_context()
    authority.configure_trust(client)
    for name in ("first.example", "second.example"):
        async with served(first, client, server_hostname=name) as (line, peer):
            certificate = peer.tls.getpeercert()
            assert certificate is not None
            assert dict(certificate["subjectAltName"]) == {"DNS": name}
            await peer.send(frame("hello"))
            assert await line.recv() == "hello"
            assert line.get_extra_info("sslcontext") is (second if name == "second.example" else first)
    assert names == ["first.example", "second.example"]


async def test_the_key_log_of_the_context_is_written(
    authority: trustme.CA, client_tls: ssl.SSLContext, tmp_path: Any
) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server)
    server.keylog_filename = str(tmp_path / "keys")
    async with served(server, client_tls):
        assert "SECRET" in (tmp_path / "keys").read_text()
    server.keylog_filename = None


# -- what epoll does not see


async def test_what_is_decrypted_already_is_delivered_without_another_byte(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """A whole flight of records lies in OpenSSL after one read; the queue has room for one message at a time."""
    async with served(server_tls, client_tls, Bare(max_queue_high=1, max_queue_low=0)) as (line, peer):
        await peer.send(b"".join(frame(f"{number}" * 5000) for number in range(30)))
        for number in range(30):
            assert await line.recv() == f"{number}" * 5000


async def test_a_paused_line_reads_no_more_than_a_record_ahead(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with served(server_tls, client_tls, Bare(listener=Collecting())) as (line, peer):
        line.pause()
        await peer.send(frame("x" * 100) * 10)
        await asyncio.sleep(0.02)  # long enough for a line that reads to have read
        assert not line.noted("message")
        assert line.unread()
        line.resume()
        await line.until("message", 10)


async def test_a_flood_over_tls_does_not_hold_up_deadlines_or_others(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """What OpenSSL holds puts the line on the reactor's own list in each turn."""
    data = frame(b"x" * 60_000) * 4

    async with served(server_tls, client_tls, Bare(listener=Collecting())) as (line, peer):
        line.listener.messages = Endless()

        async def flood() -> None:
            while True:
                await peer.send(data)

        flooder = asyncio.create_task(flood())
        await line.until("message", 20)
        line.set_deadline(0.05)
        await asyncio.wait_for(line.until("deadline"), 10)
        flooder.cancel()
        await asyncio.wait([flooder])


class Endless(list[Any]):
    """Forgets what is appended."""

    def append(self, _: Any) -> None:
        pass


# -- writing


@pytest.mark.parametrize("sizes", [[10], [100, 16_000, 3], [300_000], [60_000, 1, 9000]])
async def test_a_write_that_is_stuck_is_offered_again_as_it_was(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, sizes: list[int]
) -> None:
    """A slow reader: records are half on their way while more is queued, and pings overtake."""
    async with served(server_tls, client_tls, Bare(write_high=2**24), narrow_pair()) as (line, peer):
        payloads: list[bytes] = []
        pings = 0
        total = 0
        while total < 1_500_000:
            payload = bytes([97 + len(payloads) % 26]) * sizes[len(payloads) % len(sizes)]
            payloads.append(payload)
            line.send_nowait(payload)
            total += len(frame(payload, mask=None))
            if len(payloads) % 7 == 0:
                line._queue_urgent(Opcode.PING, frame(b"%06d" % len(payloads), opcode=Opcode.PING, mask=None))
                pings += 1
                await asyncio.sleep(0)
        assert line.unsent
        reading = asyncio.create_task(peer.read_to_end())
        line.half_close()
        found = frames_of(await reading)
        assert [payload for opcode, payload in found if opcode is Opcode.BINARY] == payloads
        arrived = [int(payload) for opcode, payload in found if opcode is Opcode.PING]
        assert len(arrived) == len(set(arrived)) <= pings
        assert not pings or len(payloads) // 7 * 7 in arrived  # the newest was replaced by none


async def test_fan_out_over_tls_keeps_the_order(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with (
        served(server_tls, client_tls) as (line, peer),
        served(server_tls, client_tls, pair=narrow_pair()) as (narrow, slow),
    ):
        wire = frame(b"x" * 200_000, mask=None)
        for one in (line, narrow):
            one.send_nowait("before")
        Line.fan_out([line, narrow], wire)
        for one in (line, narrow):
            one.send_nowait("after")
        expected = frame("before", mask=None) + wire + frame("after", mask=None)
        assert await asyncio.gather(peer.read(len(expected)), slow.read(len(expected))) == [expected] * 2


async def test_both_ends_write_more_than_the_buffers_hold(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """Neither waits for the other to read first."""
    async with served(server_tls, client_tls, Bare(max_message_size=None), narrow_pair()) as (line, peer):
        message = os.urandom(400_000)
        sending = asyncio.create_task(line.send(message))
        await peer.send(frame(message))
        assert await line.recv() == message
        assert await peer.read(len(frame(message, mask=None))) == frame(message, mask=None)
        await sending


# -- ends


async def test_half_close_sends_close_notify_and_reads_on(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with served(server_tls, client_tls) as (line, peer):
        line.send_nowait("last")
        line.half_close()
        assert await peer.read_to_end() == frame("last", mask=None)
        await peer.send(frame("heard"))
        assert await line.recv() == "heard"


async def test_half_close_while_the_peer_is_sending_reads_on(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """What has come unread when close_notify is sent must not be taken for a breach of TLS: that would reset the
    connection, and destroy the last frame on its way."""
    async with served(server_tls, client_tls, Bare(listener=Collecting())) as (line, peer):
        line.pause()
        await peer.send(frame("under way") * 20)
        line.send_nowait("last")
        line.half_close()
        line.resume()
        await line.until("message", 20)
        await peer.send(frame("and on"))
        await line.until("message", 21)
        assert await peer.read_to_end() == frame("last", mask=None)
        assert not line.noted("lost")


async def test_half_close_with_decrypted_messages_waiting_for_room_loses_none(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with served(server_tls, client_tls, Bare(max_queue_high=1, max_queue_low=0)) as (line, peer):
        for number in range(10):
            await peer.send(frame(f"{number}" * 5000))
        await line._wait_readable()
        line.half_close()
        for number in range(10):
            assert await line.recv() == f"{number}" * 5000
        assert await peer.read_to_end() == b""


async def test_close_descriptor_sends_close_notify(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with served(server_tls, client_tls, pair=narrow_pair()) as (line, peer):
        line.send_nowait(b"x" * 300_000)
        line.close_descriptor()
        assert await peer.read_to_end() == frame(b"x" * 300_000, mask=None)
        assert await line.until("lost") == ("lost", None)


async def test_the_peers_close_notify_is_its_end(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with served(server_tls, client_tls) as (line, peer):
        await peer.send(frame("last"))
        await peer.close_notify()
        await line.until("eof")
        assert await line.recv() == "last"
        await line.until("lost")


async def test_a_fin_without_close_notify_is_an_end_too(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with served(server_tls, client_tls) as (line, peer):
        await peer.send(frame("last"))
        peer.raw.shutdown(socket.SHUT_WR)
        await line.until("eof")
        assert await line.recv() == "last"
        assert await line.until("lost") == ("lost", None)


async def test_garbage_instead_of_records_ends_the_connection(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with served(server_tls, client_tls) as (line, peer):
        peer.raw.send(b"GET / HTTP/1.1\r\n\r\n" * 10)
        _, error = await line.until("lost")
        assert isinstance(error, ssl.SSLError)


async def test_an_idle_tls_connection_does_not_spin(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with served(server_tls, client_tls) as (line, peer):
        await peer.send(frame("hello"))
        assert await line.recv() == "hello"
        before = time.process_time()
        await asyncio.sleep(0.2)
        assert time.process_time() - before < 0.1
