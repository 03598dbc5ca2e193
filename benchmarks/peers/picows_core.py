"""picows, its listener API."""

import asyncio

from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from benchmarks.peers.job import MAX_SIZE, PING_INTERVAL, Job, run

#: Up to here `send` copies the message; above, a view could outlive the buffer that it looks into.
COPIED = 8192


class Echo(WSListener):
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif frame.payload_size <= COPIED:
            transport.send(frame.msg_type, frame.get_payload_as_memoryview())
        else:
            transport.send(frame.msg_type, frame.get_payload_as_bytes())


class EchoText(WSListener):
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        else:
            transport.send(WSMsgType.TEXT, frame.get_payload_as_utf8_text())


class FanOut(WSListener):
    def __init__(self, transports: set[WSTransport]) -> None:
        self.transports = transports

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transports.add(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
            return
        kind = frame.msg_type
        message = frame.get_payload_as_bytes()
        for receiver in self.transports:
            receiver.send(kind, message)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.transports.discard(transport)


async def start(job: Job) -> asyncio.Server:
    transports: set[WSTransport] = set()

    def listener(request: WSUpgradeRequest) -> WSListener:
        if job.fanout:
            return FanOut(transports)
        return EchoText() if job.text else Echo()

    return await ws_create_server(
        listener,
        sock=job.sock,
        ssl=job.ssl,
        max_frame_size=MAX_SIZE,
        enable_auto_ping=job.keepalive,
        auto_ping_idle_timeout=PING_INTERVAL,
        auto_ping_reply_timeout=PING_INTERVAL,
    )


run(start)
