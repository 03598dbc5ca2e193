"""RFC 6455 sections 5.5.1 and 7: Close frames, close codes, and the end of TCP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from . import subject
from .lines import Side, echo, keep_silent, opened
from .peer import (
    CLOSE,
    CONT,
    PATIENCE,
    PING,
    PONG,
    TEXT,
    End,
    Frame,
    Peer,
    chop,
    close_payload,
    is_sendable,
    turn_loop,
)

pytestmark = pytest.mark.engine

ConnectionClosed = subject.exceptions.ConnectionClosed

LEGAL_CODES = (*range(1000, 1004), *range(1007, 1015), 3000, 3001, 3999, 4000, 4001, 4999)
ILLEGAL_CODES = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 5001, 32768, 65535)


@pytest.mark.parametrize("code", LEGAL_CODES)
async def test_7_4_a_legal_code_is_echoed_and_reported(side: Side, code: int) -> None:
    async with opened(side) as line:
        await line.close_from_peer(code)
        assert await line.app.ended() == (code, "")


@pytest.mark.parametrize("reason", [b"", b"a reason"], ids=["bare", "with reason"])
@pytest.mark.parametrize("code", ILLEGAL_CODES)
async def test_7_4_an_illegal_code_fails(side: Side, code: int, reason: bytes) -> None:
    async with opened(side) as line:
        await line.peer.send_close(code, reason)
        await line.expect_failure(1002, "7.4", "7.4.1", "7.4.2", "5.5.1")


def test_7_4_the_codes_of_this_suite_are_complete() -> None:
    assert all(is_sendable(code) for code in LEGAL_CODES)
    assert not any(is_sendable(code) for code in ILLEGAL_CODES)


async def test_5_5_1_an_empty_close_frame_is_reported_as_1005(side: Side) -> None:
    async with opened(side) as line:
        await line.peer.send_close()
        frame = await line.peer.expect_close(1005)
        assert frame.payload == b""
        await line.expect_tcp_end()
        assert await line.app.ended() == (1005, "")


@pytest.mark.parametrize("byte", [b"\0", b"\x03", b"\xff"], ids=bytes.hex)
async def test_5_5_1_a_close_frame_with_one_byte_fails(side: Side, byte: bytes) -> None:
    async with opened(side) as line:
        await line.peer.send_frame(CLOSE, byte)
        await line.expect_failure(1002, "5.5.1")


@pytest.mark.parametrize("reason", ["x", "Hello World!", "*" * 123, "\u00e9" * 61], ids=len)
async def test_5_5_1_a_reason_is_reported(side: Side, reason: str) -> None:
    async with opened(side) as line:
        await line.close_from_peer(1000, reason)
        assert await line.app.ended() == (1000, reason)


@pytest.mark.parametrize("step", [1, 3])
async def test_5_5_1_a_close_frame_in_chops(side: Side, step: int) -> None:
    async with opened(side) as line:
        await line.peer.send_in_pieces(chop(line.peer.frame(CLOSE, close_payload(4321, "bit by bit")), step))
        await line.peer.expect_close(4321)
        await line.expect_tcp_end()
        assert await line.app.ended() == (4321, "bit by bit")


# What stands before and behind a Close frame


async def test_5_5_1_messages_before_the_close_frame_are_answered_first(side: Side) -> None:
    async with opened(side) as line:
        frame = line.peer.frame
        await line.peer.send(frame(TEXT, b"last words") + frame(CLOSE, close_payload(1000)))
        await line.peer.expect(TEXT, b"last words")
        await line.peer.expect_close(1000)
        await line.expect_tcp_end()
        assert line.app.received == ["last words"]


@pytest.mark.parametrize(
    ("opcode", "payload", "fin"),
    [(TEXT, b"late", True), (TEXT, b"\xff", True), (PING, b"late", True), (CLOSE, close_payload(4000), True)],
    ids=["text", "not UTF-8", "ping", "second close"],
)
async def test_1_4_what_follows_a_close_frame_is_discarded(
    side: Side, opcode: int, payload: bytes, fin: bool
) -> None:
    async with opened(side) as line:
        frame = line.peer.frame
        await line.peer.send(frame(CLOSE, close_payload(1000, "first")) + frame(opcode, payload, fin=fin))
        await line.peer.expect_close(1000)
        await line.expect_tcp_end()
        assert line.app.received == []
        assert await line.app.ended() == (1000, "first")


async def test_1_4_a_continuation_behind_a_close_frame_is_discarded(side: Side) -> None:
    async with opened(side) as line:
        frame = line.peer.frame
        await line.peer.send(
            frame(TEXT, b"one", fin=False) + frame(CLOSE, close_payload(1000)) + frame(CONT, b"two")
        )
        await line.peer.expect_close(1000)
        await line.expect_tcp_end()
        assert line.app.received == []


async def test_7_1_1_a_long_echo_leaves_before_the_close_frame(side: Side) -> None:
    """256 KiB, a Close frame, and a ping in one go: the echo is whole, the ping is not answered."""
    text = b"*" * 262_144
    async with opened(side) as line:
        frame = line.peer.frame
        async with asyncio.TaskGroup() as group:
            group.create_task(
                line.peer.send(frame(TEXT, text) + frame(CLOSE, close_payload(1000)) + frame(PING))
            )
            await line.peer.expect(TEXT, text)
            await line.peer.expect_close(1000)
        await line.expect_tcp_end()


# The closing handshake begun by the subject


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, ""), (1001, "bye"), (3333, "\u00fc" * 61), (4999, "*" * 123)]
)
async def test_7_1_2_the_application_closes(side: Side, code: int, reason: str) -> None:
    async with opened(side, keep_silent) as line:
        ws = await line.app.connection
        closing = asyncio.ensure_future(_completed(ws.close(code, reason)))
        await line.peer.expect_close(code, reason)
        await line.peer.send_close(code, reason)
        await line.expect_tcp_end()
        await closing
        assert await line.app.ended() == (code, reason)


async def _completed(awaitable: Any) -> Any:
    return await awaitable


@pytest.mark.parametrize("code", [code for code in ILLEGAL_CODES if code != 1005])
async def test_7_4_the_application_cannot_send_an_illegal_code(side: Side, code: int) -> None:
    async with opened(side) as line:
        ws = await line.app.connection
        with pytest.raises(subject.exceptions.WebSocketException):
            await ws.close(code)
        await line.peer.send_frame(TEXT, b"still open")
        await line.peer.expect(TEXT, b"still open")
        await line.close_from_peer()


async def test_5_5_the_application_cannot_send_a_reason_over_123_bytes(side: Side) -> None:
    async with opened(side) as line:
        ws = await line.app.connection
        with pytest.raises(subject.exceptions.WebSocketException):
            await ws.close(1000, "\u00e9" * 62)
        await line.peer.expect_silence()
        await line.close_from_peer()


async def test_5_5_1_nothing_is_sent_behind_the_close_frame(side: Side) -> None:
    """The peer refuses any such frame; `send` raises (6.1 item 1)."""
    async with opened(side, keep_silent) as line:
        ws = await line.app.connection
        closing = asyncio.ensure_future(_completed(ws.close(1000)))
        await line.peer.expect_close(1000)
        sending = asyncio.ensure_future(_completed(ws.send("too late")))
        await line.peer.send_close(1000)
        await line.expect_tcp_end()
        with pytest.raises(ConnectionClosed):
            await sending
        await closing


async def test_5_5_2_a_ping_is_answered_until_the_close_frame_of_the_peer(side: Side) -> None:
    async with opened(side, keep_silent) as line:
        ws = await line.app.connection
        closing = asyncio.ensure_future(_completed(ws.close(1000)))
        await line.peer.expect_close(1000)
        await line.peer.send_frame(PING, b"are you still there")
        await line.peer.expect(PONG, b"are you still there")
        await line.peer.send_close(1000)
        await line.expect_tcp_end()
        await closing


async def test_5_5_1_messages_are_received_until_the_peer_answers_with_its_close_frame(side: Side) -> None:
    """The peer may send on until it has read our Close frame (5.5.1): this is no error."""
    async with opened(side, keep_silent) as line:
        ws = await line.app.connection
        closing = asyncio.ensure_future(_completed(ws.close(1000)))
        await line.peer.expect_close(1000)
        for number in range(50):
            await line.peer.send_frame(TEXT, b"still %d" % number)
        await line.peer.send_close(1000)
        await line.expect_tcp_end()
        await closing
        assert await line.app.ended() == (1000, "")


async def test_7_1_5_both_close_at_once(side: Side) -> None:
    """Each end takes the other's Close frame for the answer, and reports the other's code."""
    async with opened(side, keep_silent) as line:
        ws = await line.app.connection
        closing = asyncio.ensure_future(_completed(ws.close(4001, "ours")))
        await turn_loop()
        await line.peer.send_close(4002, "theirs")
        await line.peer.expect_close(4001, "ours")
        await line.expect_tcp_end()
        await closing
        assert await line.app.ended() == (4002, "theirs")


async def test_7_1_4_send_and_recv_raise_after_the_end(side: Side) -> None:
    async with opened(side, keep_silent) as line:
        ws = await line.app.connection
        await line.close_from_peer(4000, "over")
        await line.app.ended()
        for call in (ws.recv, lambda: ws.send("x"), lambda: ws.ping(b"x")):
            if side.endswith("listener") and call == ws.recv:
                continue
            with pytest.raises(ConnectionClosed) as raised:
                await call()
            assert (raised.value.rcvd.code, raised.value.rcvd.reason) == (4000, "over")
        await ws.close()  # no error


@pytest.mark.parametrize(
    ("code", "normal"), [(1000, True), (1001, True), (None, True), (1002, False), (4000, False)]
)
async def test_7_1_4_a_normal_close_ends_an_iteration_and_others_raise(
    code: int | None, normal: bool
) -> None:
    outcome: list[Exception | None] = []

    async def iterate(ws: Any, message: str | bytes) -> None:
        try:
            async for _ in ws:
                pass
        except ConnectionClosed as error:
            outcome.append(error)
        else:
            outcome.append(None)

    async with opened("server", iterate) as line:
        await line.peer.send_frame(TEXT, b"start")
        await line.close_from_peer(code)
        await line.app.ended()
    assert (outcome[0] is None) == normal
    if not normal:
        assert isinstance(outcome[0], subject.exceptions.ConnectionClosedError)


# The end of TCP (7.1.1)


async def test_7_1_1_the_server_closes_tcp_first() -> None:
    """FIN comes though the peer has not shut its side down; the peer is in CLOSE_WAIT, not the server."""
    async with opened("server") as line:
        await line.peer.send_close(1000)
        await line.peer.expect_close(1000)
        await line.peer.expect_end(End.FIN)
        line.peer.fin()
        await line.app.ended()


async def test_7_1_1_the_client_waits_for_the_server_to_close_tcp() -> None:
    async with opened("client") as line:
        await line.peer.send_close(1000)
        await line.peer.expect_close(1000)
        for _ in range(5):
            await line.peer.expect_nothing_yet()
            await asyncio.sleep(0.01)
        line.peer.fin()
        await line.peer.expect_end(End.FIN)


async def test_7_1_1_the_client_closes_tcp_where_the_server_does_not() -> None:
    async with opened("client", close_timeout=0.2) as line:
        await line.peer.send_close(1000)
        await line.peer.expect_close(1000)
        await line.peer.expect_end(End.FIN)
        assert await line.app.ended() == (1000, "")


async def test_7_1_1_a_peer_that_never_answers_the_close_frame_is_left(side: Side) -> None:
    async with opened(side, keep_silent, close_timeout=0.2) as line:
        ws = await line.app.connection
        await ws.close(1000)
        await line.peer.expect_close(1000)
        assert await line.peer.receive() in (End.FIN, End.RST)
        code, _ = await line.app.ended()
        assert code == 1006  # 7.1.5: no Close frame was received


async def _flood(peer: Peer, started: asyncio.Event) -> None:
    """Send on and on, until the subject's end is gone."""
    started.set()
    try:
        while True:
            await asyncio.wait_for(
                asyncio.get_running_loop().sock_sendall(peer.sock, b"\0" * 65536), timeout=PATIENCE
            )
            await asyncio.sleep(0)
    except (ConnectionResetError, BrokenPipeError):
        pass


@pytest.mark.parametrize("how", ["after its Close frame", "after a violation"])
async def test_7_1_1_a_peer_that_sends_on_still_gets_the_close_frame(side: Side, how: str) -> None:
    """Closing a socket with unread bytes resets the connection, and a reset destroys what the peer has not read yet.

    The peer sends 4 MB behind the end of the conversation, and reads only then.
    """
    async with opened(side, close_timeout=20) as line:
        frame = line.peer.frame
        end = frame(CLOSE, close_payload(1000)) if how == "after its Close frame" else frame(3, b"reserved")
        await line.peer.send(end)
        await turn_loop()
        for _ in range(64):
            await line.peer.send(b"\0" * 65536)
        await line.peer.expect_close(1000 if how == "after its Close frame" else 1002)
        await line.expect_tcp_end()


async def test_7_1_1_a_peer_that_floods_for_ever_is_cut_off(side: Side) -> None:
    """Bytes behind the end are thrown away until `close_timeout`, and no longer."""
    async with opened(side, close_timeout=0.3) as line:
        await line.peer.send_frame(3, b"reserved")
        started = asyncio.Event()
        flood = asyncio.ensure_future(_flood(line.peer, started))
        await line.app.ended()
        await flood


@pytest.mark.parametrize("when", ["idle", "within a frame", "within a message", "within a header"])
async def test_7_2_1_the_peer_shuts_down_without_a_close_frame(side: Side, when: str) -> None:
    """1006, no Close frame of ours is read as theirs, and TCP ends from our side as well (7.1.5, 7.1.7)."""
    async with opened(side) as line:
        frame = line.peer.frame(TEXT, b"x" * 200)
        sent = {"idle": b"", "within a frame": frame[:100], "within a header": frame[:1]}
        await line.peer.send(sent.get(when, line.peer.frame(TEXT, b"x", fin=False)))
        line.peer.fin()
        while (got := await line.peer.receive()) is not End.FIN:
            assert isinstance(got, Frame)
            assert got.opcode == CLOSE
        code, _ = await line.app.ended()
        assert code == 1006
        assert line.app.received == []


@pytest.mark.parametrize("when", ["idle", "within a frame", "within a message"])
async def test_7_1_5_a_reset_is_reported_as_1006(side: Side, when: str) -> None:
    async with opened(side) as line:
        frame = line.peer.frame(TEXT, b"x" * 200)
        sent = {"idle": b"", "within a frame": frame[:100]}
        await line.peer.send(sent.get(when, line.peer.frame(TEXT, b"x", fin=False)))
        await turn_loop()
        line.peer.reset()
        assert (await line.app.ended())[0] == 1006


async def test_7_1_1_messages_sent_before_a_half_close_are_answered() -> None:
    """A peer that shuts its side down may still read: what it asked for before is answered."""
    async with opened("server") as line:
        await line.peer.send_frame(TEXT, b"question")
        line.peer.fin()
        got = await line.peer.receive()
        assert isinstance(got, Frame)
        assert (got.opcode, got.payload) == (TEXT, b"question")
        while (got := await line.peer.receive()) is not End.FIN:
            assert isinstance(got, Frame)
            assert got.opcode == CLOSE


async def test_7_1_7_nothing_is_read_after_the_connection_failed(side: Side) -> None:
    async with opened(side) as line:
        frame = line.peer.frame
        await line.peer.send_frame(3)
        await line.peer.send(frame(TEXT, b"not read") + frame(CLOSE, close_payload(4000, "not read either")))
        await line.expect_failure(1002, "5.2")
        code, _ = await line.app.ended()
        assert line.app.received == []
        assert code == 1006  # 7.1.5: the Close frame behind the failure was not received


# Failing for the application's sake


async def test_7_4_1_a_handler_that_raises_closes_with_1011(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(ws: Any, message: str | bytes) -> None:
        raise ValueError("the handler's fault")

    async with opened("server", fail) as line:
        await line.peer.send_frame(TEXT, b"go")
        await line.peer.expect_close(1011)
        await line.peer.send_close(1011)
        await line.peer.expect_end(End.FIN)
        line.peer.fin()
    assert "the handler's fault" in caplog.text
    assert "Traceback" in caplog.text


async def test_7_4_1_a_handler_that_returns_closes_with_1000() -> None:
    async def leave(ws: Any) -> None:
        assert await ws.recv() == "bye"

    from .lines import QUIET, port_of, upgrade_request

    async with subject.serve(leave, "127.0.0.1", 0, **QUIET) as server:
        peer = await Peer.dial(port_of(server))
        await peer.send(upgrade_request())
        await peer.read_head()
        await peer.send_frame(TEXT, b"bye")
        await peer.expect_close(1000, "")
        await peer.send_close(1000)
        await peer.expect_end(End.FIN)
        peer.fin()
        peer.close()


async def test_7_3_closing_a_server_closes_its_connections_with_1001() -> None:
    from .lines import QUIET, port_of, upgrade_request

    async def handler(ws: Any) -> None:
        async for message in ws:
            await echo(ws, message)

    async with subject.serve(handler, "127.0.0.1", 0, **QUIET) as server:
        peers = [await Peer.dial(port_of(server)) for _ in range(5)]
        for peer in peers:
            await peer.send(upgrade_request())
            await peer.read_head()
        server.close()
        for peer in peers:
            await peer.expect_close(1001)
            await peer.send_close(1001)
            await peer.expect_end(End.FIN)
            peer.fin()
            peer.close()
        await server.wait_closed()
