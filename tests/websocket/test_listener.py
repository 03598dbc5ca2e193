"""The callback API on real connections; what `serve` and `connect` take as a listener is tested with them."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from typing import Any

import pytest

from openline import ConnectionClosedError, Listener, Opcode, State, connect, serve
from openline.protocol.close_codes import Close

from .pair import PATIENCE, RawClient, pair, port_of, raw_client, until
from .wire import upgrade_request

pytestmark = pytest.mark.engine


class Note(Listener):
    """Writes down what happens."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.closed = asyncio.Event()

    def on_open(self, ws: Any) -> None:
        self.calls.append(("open", ws.state))

    def on_message(self, ws: Any, message: str | bytes) -> None:
        self.calls.append(("message", message))

    def on_drain(self, ws: Any) -> None:
        self.calls.append(("drain",))

    def on_close(self, ws: Any, code: int, reason: str) -> None:
        self.calls.append(("close", code, reason, ws.state))
        self.closed.set()


async def test_a_connection_from_its_beginning_to_its_end() -> None:
    note = Note()
    async with serve(note, "127.0.0.1", 0) as server:
        async with connect(f"ws://127.0.0.1:{port_of(server)}/") as client:
            await client.send("text")
            await client.send(b"binary")
            await client.close(1001, "bye")
        await asyncio.wait_for(note.closed.wait(), PATIENCE)
    assert note.calls == [
        ("open", State.OPEN),
        ("message", "text"),
        ("message", b"binary"),
        ("close", 1001, "bye", State.CLOSED),
    ]


async def test_messages_that_came_with_the_handshake_come_after_on_open() -> None:
    """A client may send before it has read our answer."""
    note = Note()
    async with serve(note, "127.0.0.1", 0) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(
            upgrade_request() + RawClient.frame(Opcode.TEXT, b"early") + RawClient.frame(Opcode.TEXT, b"bird")
        )
        await until(lambda: len(note.calls) == 3, "both messages came")
        assert note.calls == [("open", State.OPEN), ("message", "early"), ("message", "bird")]
        writer.close()
        await asyncio.wait_for(note.closed.wait(), PATIENCE)
        assert note.calls[-1] == ("close", 1006, "", State.CLOSED)


async def test_send_nowait_of_a_callback_is_corked_and_leaves_in_order() -> None:
    corked: list[int] = []

    class Echo(Listener):
        def on_message(self, ws: Any, message: str | bytes) -> None:
            corked.append(ws.send_nowait(message))
            corked.append(ws.send_nowait(b"and again"))

    async with serve(Echo(), "127.0.0.1", 0) as server, raw_client(port_of(server)) as raw:
        await raw.send(b"".join(raw.frame(Opcode.TEXT, b"%d" % number) for number in range(50)))
        for number in range(50):
            assert (await raw.receive())[:2] == (Opcode.TEXT, b"%d" % number)
            assert (await raw.receive())[:2] == (Opcode.BINARY, b"and again")
    assert corked == [0] * 100


async def test_flush_sends_what_is_corked_at_once() -> None:
    flushed = asyncio.Event()
    got: list[bytes] = []

    class Early(Listener):
        def on_message(self, ws: Any, message: str | bytes) -> None:
            ws.send_nowait("first")
            ws.flush()
            sock.setblocking(False)
            got.append(sock.recv(100))
            flushed.set()

    async with serve(Early(), "127.0.0.1", 0) as server, raw_client(port_of(server)) as raw:
        sock = raw.sock
        await raw.send_frame(Opcode.TEXT, b"go")
        await asyncio.wait_for(flushed.wait(), PATIENCE)
    assert got == [b"\x81\x05first"]


async def test_on_drain_comes_once_the_queue_fell_to_the_low_mark() -> None:
    class Flood(Note):
        def on_open(self, ws: Any) -> None:
            self.ws = ws
            while ws.unsent <= 100_000:
                ws.send_nowait(b"x" * 50_000)

    flood = Flood()
    async with (
        serve(flood, "127.0.0.1", 0, write_limit=(100_000, 20_000)) as server,
        raw_client(port_of(server), receive_buffer=4096) as raw,
    ):
        await until(lambda: hasattr(flood, "ws"), "it is open")
        assert flood.calls == []
        received = 0
        while not flood.calls:
            received += len(await raw.read())
        assert flood.calls == [("drain",)]
        assert flood.ws.unsent <= 20_000


async def test_pause_holds_messages_back_and_resume_lets_them_come() -> None:
    class Careful(Note):
        def on_message(self, ws: Any, message: str | bytes) -> None:
            super().on_message(ws, message)
            ws.pause()
            self.ws = ws

    careful = Careful()
    async with serve(careful, "127.0.0.1", 0) as server, raw_client(port_of(server)) as raw:
        await raw.send(b"".join(raw.frame(Opcode.TEXT, b"%d" % number) for number in range(5)))
        for number in range(5):
            await until(lambda number=number: len(careful.calls) == number + 2, "one more")
            for _ in range(10):
                await asyncio.sleep(0)
            assert careful.calls[1:] == [("message", str(n)) for n in range(number + 1)]
            careful.ws.resume()


async def test_resume_within_the_callback_does_not_nest() -> None:
    depth = deepest = 0
    done = asyncio.Event()

    class Nest(Listener):
        def on_message(self, ws: Any, message: str | bytes) -> None:
            nonlocal depth, deepest
            depth += 1
            deepest = max(deepest, depth)
            ws.pause()
            ws.resume()
            depth -= 1
            if message == "last":
                done.set()

    async with serve(Nest(), "127.0.0.1", 0) as server, raw_client(port_of(server)) as raw:
        frames = [raw.frame(Opcode.TEXT, b"x") for _ in range(3000)] + [raw.frame(Opcode.TEXT, b"last")]
        await raw.send(b"".join(frames))
        await asyncio.wait_for(done.wait(), PATIENCE)
    assert deepest == 1


async def test_callbacks_run_in_a_copy_of_the_context_of_serve() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="nobody's")
    seen: list[str] = []

    class Look(Listener):
        def on_open(self, ws: Any) -> None:
            seen.append(variable.get())
            variable.set("the callback's")

        def on_message(self, ws: Any, message: str | bytes) -> None:
            seen.append(variable.get())
            ws.send_nowait("seen")

        def on_close(self, ws: Any, code: int, reason: str) -> None:
            seen.append(variable.get())

    variable.set("serve's")
    async with serve(Look(), "127.0.0.1", 0) as server:
        variable.set("connect's")
        async with connect(f"ws://127.0.0.1:{port_of(server)}/") as client:
            await client.send("look")
            await client.recv()
        await until(lambda: len(seen) == 3, "on_close was called")
    assert seen[0] == "serve's"
    assert set(seen) <= {"serve's", "the callback's"}
    assert variable.get() == "connect's"


@pytest.mark.parametrize("where", ["on_open", "on_drain"])
async def test_any_callback_that_raises_is_logged_and_fails_with_1011(
    where: str, caplog: pytest.LogCaptureFixture
) -> None:
    closed = asyncio.Event()

    class Broken(Listener):
        def on_open(self, ws: Any) -> None:
            if where == "on_open":
                raise ValueError("in on_open")
            while ws.unsent <= 2_000_000:
                ws.send_nowait(b"x" * 1_000_000)

        def on_drain(self, ws: Any) -> None:
            raise ValueError("in on_drain")

        def on_close(self, ws: Any, code: int, reason: str) -> None:
            closed.set()

    async with serve(Broken(), "127.0.0.1", 0, compression=None) as server:
        with caplog.at_level(logging.ERROR, "openline"):
            async with connect(f"ws://127.0.0.1:{port_of(server)}/", max_size=None) as client:
                with pytest.raises(ConnectionClosedError) as info:
                    [message async for message in client]
            await asyncio.wait_for(closed.wait(), PATIENCE)
    assert info.value.rcvd is not None
    assert info.value.rcvd.code == 1011
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == [f"in {where}"]


async def test_on_close_that_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Listener):
        def on_close(self, ws: Any, code: int, reason: str) -> None:
            raise ValueError("in on_close")

    with caplog.at_level(logging.ERROR, "openline"):
        async with pair(listener=Broken()) as (_, client):
            await client.close()
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["in on_close"]


async def test_a_listener_may_close_from_its_callbacks() -> None:
    class Once(Listener):
        def on_message(self, ws: Any, message: str | bytes) -> None:
            ws.send_nowait(message)
            ws.begin_close(1000, "one is enough")

    async with (
        serve(Once(), "127.0.0.1", 0) as server,
        connect(f"ws://127.0.0.1:{port_of(server)}/") as client,
    ):
        await client.send("one")
        assert [message async for message in client] == ["one"]
        assert client.close_reason == "one is enough"


async def test_after_abort_in_a_callback_nothing_more_is_told_and_the_end_is_1006() -> None:
    told: list[object] = []
    over = asyncio.Event()

    class Aborts(Listener):
        def on_message(self, ws: Any, message: Any) -> None:
            told.append(message)
            ws.transport.abort()

        def on_close(self, ws: Any, code: int, reason: str) -> None:
            told.append(code)
            over.set()

    async with serve(Aborts(), "127.0.0.1", 0) as server, raw_client(port_of(server)) as client:
        frames = [client.frame(Opcode.TEXT, text) for text in (b"one", b"two")]
        await client.send(b"".join(frames) + client.frame(Opcode.CLOSE, Close(1000, "").serialize()))
        async with asyncio.timeout(5):
            await over.wait()
        assert told == ["one", 1006]
