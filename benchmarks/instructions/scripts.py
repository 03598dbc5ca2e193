"""The fixed scripts. Runs under callgrind, in one process with one thread; `__main__` starts it.

The other end of every connection is a bare socket of a pair. What is counted is the reactor's turn that serves the
connection (its callback, called as the loop would), or one call of `broadcast`; never the loop, the script, or the
other end.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from benchmarks.instructions.counter import Counter
from openline import Listener, Server, ServerConnection, broadcast, engine, serve
from openline.protocol.connection import Protocol
from openline.protocol.frames import Opcode, encode_frame
from openline.protocol.states import Side

MASK = bytes.fromhex("37fa213d")
REQUEST = (
    b"GET /room/42?token=3c1d HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nConnection: Upgrade\r\nPragma: no-cache\r\n"
    b"Cache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    b"Chrome/140.0.0.0 Safari/537.36\r\nUpgrade: websocket\r\nOrigin: http://127.0.0.1:8000\r\n"
    b"Sec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
)
ECHOES = 1000
FRAMES = 10_000
RECEIVERS = 100

#: Frames in one read: fewer than after which the reactor looks at the clock, whose turns are cut short otherwise.
AT_ONCE = 24
#: By so many bytes a read ends behind the end of a frame.
CUT = 5

READ = 1 << 16

#: Turns of the loop in which whatever a script has begun comes to rest: handler tasks start, buffers are swept.
REST = 5


class Sink(Listener):
    """Takes messages and does nothing with them."""

    def on_message(self, ws: ServerConnection, message: str | bytes) -> None:
        pass


class Echo(Listener):
    """The callback API."""

    def on_message(self, ws: ServerConnection, message: str | bytes) -> None:
        ws.send_nowait(message)


async def echo(ws: ServerConnection) -> None:
    """The coroutine API."""
    async for message in ws:
        await ws.send(message)


def reactor_turn() -> Callable[[], object]:
    """What the running loop calls when a WebSocket is ready; there is one, since a server runs."""
    loop = asyncio.get_running_loop()
    for key in loop._selector.get_map().values():  # type: ignore[attr-defined]
        callback = key.data[0]._callback
        if repr(callback).startswith("<openline reactor"):
            return callback
    raise RuntimeError("the running loop has no reactor of openline")


async def in_callback(work: Callable[[], object]) -> None:
    """Run it as a callback of the loop, with no task running, as the reactor is run."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def run() -> None:
        try:
            work()
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    asyncio.get_running_loop().call_soon(run)
    await done


async def rest() -> None:
    """Let the loop come to rest."""
    for _ in range(REST):
        await asyncio.sleep(0)


@asynccontextmanager
async def serving(
    handler: type[Listener] | Callable[[ServerConnection], Awaitable[None]],
) -> AsyncIterator[Server]:
    """A server without compression and pings, to which sockets are given."""
    async with serve(handler, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        yield server


async def adopt(server: Server) -> socket.socket:
    """Give the server one end of a pair, as if it had been accepted.

    Returns:
        The other end.
    """
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    await engine.of().adopt(ours, server._make_line(), server_side=True)
    return theirs


async def open_connection(server: Server) -> socket.socket:
    """The other end of a connection past its opening handshake."""
    sock = await adopt(server)
    sock.send(REQUEST)
    turn = reactor_turn()
    await in_callback(turn)
    assert sock.recv(READ).startswith(b"HTTP/1.1 101 ")
    await rest()
    return sock


def some_frames(count: int) -> Iterator[bytes]:
    """Masked frames of all lengths, as they come: most are short, half are text of which some is not ASCII."""
    draw = random.Random("frames")
    words = "".join(draw.choices("abcdefghij klmnop äöü€ 東", k=8192))
    noise = draw.randbytes(8192)
    for _ in range(count):
        size = draw.randrange(126) if draw.random() < 0.8 else draw.randrange(126, 4000)
        start = draw.randrange(4000)
        if draw.random() < 0.5:
            yield encode_frame(Opcode.TEXT, words[start : start + size].encode(), mask=MASK)
        else:
            yield encode_frame(Opcode.BINARY, noise[start : start + size], mask=MASK)


def reads_of(frames: Sequence[bytes]) -> list[bytes]:
    """The frames as one stream, cut into reads."""
    ends = list(itertools.accumulate(map(len, frames)))
    cuts = [0, *(end + CUT for end in ends[AT_ONCE - 1 : -1 : AT_ONCE]), ends[-1]]
    stream = b"".join(frames)
    return [stream[start:end] for start, end in itertools.pairwise(cuts)]


async def parse(counter: Counter) -> None:
    """10,000 frames come in reads that end within frames, and are given to a listener."""
    reads = reads_of(list(some_frames(FRAMES)))
    async with serving(Sink) as server:
        sock = await open_connection(server)
        turn = reactor_turn()

        def run() -> None:
            for read in reads:
                assert sock.send(read) == len(read)
                counter.call(turn)

        await in_callback(run)
        sock.close()


async def parse_by_the_rules(counter: Counter) -> None:
    """1,000 by the sans-I/O protocol: it gets what is no whole message, and is all there is without native code."""
    reads = reads_of(list(some_frames(FRAMES // 10)))
    protocol = Protocol(Side.SERVER)

    def run() -> None:
        for read in reads:
            protocol.receive_data(read)

    await in_callback(partial(counter.call, run))


async def echo_with(
    handler: type[Listener] | Callable[[ServerConnection], Awaitable[None]], counter: Counter
) -> None:
    """1,000 messages of 64 bytes, one after the other."""
    payload = random.Random("echo").randbytes(64)
    frame, answer = encode_frame(Opcode.BINARY, payload, mask=MASK), encode_frame(Opcode.BINARY, payload)
    async with serving(handler) as server:
        sock = await open_connection(server)
        turn = reactor_turn()

        def run() -> None:
            for _ in range(ECHOES):
                sock.send(frame)
                counter.call(turn)
                assert sock.recv(READ) == answer

        await in_callback(run)
        sock.close()
        await rest()


async def broadcast_to_many(counter: Counter) -> None:
    """One message of 64 bytes to 100 connections, ten times."""
    message = random.Random("broadcast").randbytes(64)
    async with serving(Sink) as server:
        socks = [await open_connection(server) for _ in range(RECEIVERS)]
        connections = server.connections

        def run() -> None:
            for _ in range(10):
                counter.call(partial(broadcast, connections, message))
                for sock in socks:
                    assert len(sock.recv(READ)) == 66

        await in_callback(run)
        for sock in socks:
            sock.close()


async def handshake(counter: Counter) -> None:
    """One opening handshake, with a browser's head; one before it is not counted, which fills the caches."""
    async with serving(Sink) as server:
        turn = reactor_turn()
        (await open_connection(server)).close()
        await rest()
        sock = await adopt(server)
        sock.send(REQUEST)
        await in_callback(partial(counter.call, turn))
        assert sock.recv(READ).startswith(b"HTTP/1.1 101 ")
        sock.close()


SCRIPTS: dict[str, Callable[[Counter], Awaitable[None]]] = {
    "parse 10,000 frames": parse,
    "parse 1,000 frames by the rules": parse_by_the_rules,
    "echo 1,000 messages, callback": partial(echo_with, Echo),
    "echo 1,000 messages, coroutine": partial(echo_with, echo),
    "broadcast to 100, 10 times": broadcast_to_many,
    "one handshake": handshake,
}


async def run_all(counter: Counter) -> None:
    """Run all scripts, and write down a count for each."""
    for name, script in SCRIPTS.items():
        gc.collect()
        await script(counter)
        counter.write(name)


def main(arguments: Sequence[str]) -> None:
    """Run with the path of the library that speaks to callgrind."""
    asyncio.run(run_all(Counter(Path(arguments[0]))))


if __name__ == "__main__":
    main(sys.argv[1:])
