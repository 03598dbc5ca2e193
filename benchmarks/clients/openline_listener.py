"""openline's client, callback API."""

from benchmarks.clients.job import MESSAGE, Job, run
from openline import ClientConnection, Listener, connect

connections: list[ClientConnection] = []


class Talk(Listener):
    def __init__(self, job: Job) -> None:
        self.job = job

    def on_open(self, ws: ClientConnection) -> None:
        ws.send_nowait(MESSAGE)

    def on_message(self, ws: ClientConnection, message: str | bytes) -> None:
        self.job.messages += 1
        ws.send_nowait(message)


async def talk(job: Job) -> None:
    listener = Talk(job)
    ws = await connect(job.uri, listener=listener, compression=None, ping_interval=None, proxy=None)
    connections.append(ws)


run(talk)
