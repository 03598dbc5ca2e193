"""wsproto under an asyncio.Protocol."""

import asyncio
from typing import cast

from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate

from benchmarks.peers.job import Job, run

connections: set["Server"] = set()


class Server(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, job: Job) -> None:
        self.job = job
        self.ws = WSConnection(ConnectionType.SERVER)
        self.data: list[bytes | bytearray] = []
        self.text: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's does not derive from asyncio's
        connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self.ws.receive_data(data)
        out = bytearray()
        for event in self.ws.events():
            match event:
                case BytesMessage():
                    self.data.append(event.data)
                    if event.message_finished:
                        whole = self.data[0] if len(self.data) == 1 else b"".join(self.data)
                        out += self.answer(BytesMessage(whole))
                        self.data.clear()
                case TextMessage():
                    self.text.append(event.data)
                    if event.message_finished:
                        out += self.answer(TextMessage("".join(self.text)))
                        self.text.clear()
                case Request():
                    extensions = [] if self.job.deflate == "none" else [PerMessageDeflate()]
                    out += self.ws.send(AcceptConnection(extensions=list(extensions)))
                case Ping():
                    out += self.ws.send(event.response())
                case CloseConnection():
                    out += self.ws.send(event.response())
                case _:
                    pass
        if out:
            self.transport.write(out)
        if self.ws.state is ConnectionState.CLOSED:
            self.transport.close()

    def answer(self, message: BytesMessage | TextMessage) -> bytes:
        """Frames for this connection; those of a fan-out leave here."""
        if not self.job.fanout:
            return self.ws.send(message)
        for receiver in connections:
            receiver.transport.write(receiver.ws.send(message))
        return b""


async def start(job: Job) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Server(job), sock=job.sock, ssl=job.ssl)


run(start)
