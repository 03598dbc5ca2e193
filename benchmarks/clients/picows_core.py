"""The client of picows, its listener API."""

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks.clients.job import MESSAGE, Job, run

transports: list[WSTransport] = []


class Talk(WSListener):
    def __init__(self, job: Job) -> None:
        self.job = job

    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.send(WSMsgType.BINARY, MESSAGE)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self.job.messages += 1
        transport.send(WSMsgType.BINARY, frame.get_payload_as_memoryview())


async def talk(job: Job) -> None:
    transport, _ = await ws_connect(lambda: Talk(job), job.uri)
    transports.append(transport)


run(talk)
