"""What clients do in a round of the soak: they talk, read slowly, come and go, and check that nothing is lost."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import Counter
from dataclasses import dataclass, field

from openline import ClientConnection, Opcode, connect
from openline.protocol.frames import encode_frame

ECHOERS, LISTENERS, SLOW_READERS, CUTTERS = 12, 12, 4, 8

SILENCE = 10  # seconds in which somebody must say something in the room; the machine may be busy

UPGRADE = (
    b"GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@dataclass
class Round:
    """One round: the server's port, when it is over, and what was done.

    Attributes:
        over: Set when the time is over; each client ends what it is doing then.
    """

    port: int
    chance: random.Random
    over: asyncio.Event = field(default_factory=asyncio.Event)
    done: Counter[str] = field(default_factory=Counter)

    def url(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.port}/{path}"

    def message(self) -> str | bytes:
        """Text or bytes, mostly short, sometimes longer than a read buffer."""
        size = self.chance.choice((0, 1, 60, 200, 3000, 70_000, 300_000))
        text = "x\u00e9\U0001f600"[: size % 4] + "soak " * (size // 5)
        return text if self.chance.random() < 0.5 else text.encode()

    async def run(self, seconds: float) -> Counter[str]:
        """Let all clients do their work.

        Raises:
            ExceptionGroup: something was lost, or a connection ended that should not have.
        """
        async with asyncio.TaskGroup() as group:
            for client, count in (
                (self.echoer, ECHOERS),
                (self.listener, LISTENERS),
                (self.slow_reader, SLOW_READERS),
                (self.cutter, CUTTERS),
                (self.speaker, 1),
            ):
                for _ in range(count):
                    group.create_task(client())
            group.create_task(self.end_after(seconds))
        return self.done

    async def end_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.over.set()

    async def echoer(self) -> None:
        """Connect, send several messages at once, compare what comes back, close."""
        while not self.over.is_set():
            compression = self.chance.choice((None, "deflate"))
            async with connect(self.url("echo"), compression=compression) as ws:
                messages = [self.message() for _ in range(self.chance.randrange(12))]
                sending = asyncio.create_task(self.send_all(ws, messages))
                for number, message in enumerate(messages):
                    assert await ws.recv() == message, f"echo {number} of {len(messages)} differs"
                await sending
            self.done["connections"] += 1
            self.done["echoes"] += len(messages)

    async def send_all(self, ws: ClientConnection, messages: list[str | bytes]) -> None:
        for message in messages:
            await ws.send(message)

    async def speaker(self) -> None:
        """Number what is said in the room."""
        number = 0
        async with connect(self.url("room")) as ws:
            assert await ws.recv() == "here"
            while not self.over.is_set():
                for _ in range(5):
                    await ws.send(str(number))
                    number += 1
                for expected in range(number - 5, number):
                    assert await ws.recv() == str(expected), "the speaker does not hear itself"

    async def listener(self) -> None:
        """Come into the room, hear every number from the first one on, and go."""
        while not self.over.is_set():
            async with connect(self.url("room"), compression=self.chance.choice((None, "deflate"))) as ws:
                assert await ws.recv() == "here"
                expected = None
                for _ in range(self.chance.randrange(1, 200)):
                    number = await self._hear(ws)
                    if number is None:
                        break
                    assert expected in (None, number), f"{number} came instead of {expected}"
                    expected = number + 1
                    self.done["broadcasts heard"] += 1
            self.done["connections"] += 1

    async def _hear(self, ws: ClientConnection) -> int | None:
        """The next number that is said in the room; None: the round is over, and the speaker has gone."""
        for _ in range(SILENCE):
            try:
                async with asyncio.timeout(1):
                    return int(await ws.recv())
            except TimeoutError:
                if self.over.is_set():
                    return None
        raise AssertionError(f"the room was silent for {SILENCE} s")

    async def slow_reader(self) -> None:
        """Let the server run into a full pipe; read with pauses; cut the line, or close it, in the middle."""
        while not self.over.is_set():
            ws = await connect(self.url("flood"), max_queue=4)
            for number in range(self.chance.randrange(400)):
                assert int(str(await ws.recv()).split()[0]) == number, "the flood has a gap"
                self.done["flood messages"] += 1
                if number % 100 == 0:
                    await asyncio.sleep(self.chance.random() * 0.3)
            if self.chance.random() < 0.5:
                ws.transport.abort()
                await ws.wait_closed()
            else:
                await ws.close()
            self.done["connections"] += 1

    async def cutter(self) -> None:
        """Send a handshake and frames, cut anywhere, and end by FIN or by a reset."""
        loop = asyncio.get_running_loop()
        stream = UPGRADE + b"".join(
            encode_frame(Opcode.BINARY, bytes(size), mask=b"soak") for size in (5, 500, 70_000, 9)
        )
        while not self.over.is_set():
            with socket.socket() as sock:
                sock.setblocking(False)
                await loop.sock_connect(sock, ("127.0.0.1", self.port))
                end = self.chance.choice(
                    (self.chance.randrange(len(UPGRADE)), self.chance.randrange(len(stream)))
                )
                await loop.sock_sendall(sock, stream[:end])
                if self.chance.random() < 0.5:
                    await asyncio.sleep(self.chance.random() * 0.05)
                if self.chance.random() < 0.5:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.done["lines cut"] += 1
