"""What a peer's server is asked to do, and the loop that it does it on."""

import argparse
import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

#: Seconds between pings where keepalive is on, and until a ping that is not answered ends the connection.
PING_INTERVAL = 20

#: More than the largest message here; servers may hold so much unsent, too.
MAX_SIZE = 128 * 2**20


@dataclass(frozen=True, slots=True)
class Job:
    """One server's task.

    Attributes:
        fanout: Send each message to every connection; otherwise back to where it came from.
        task: Of a server of the hub's kind: see ``dialogues``.
        text: Messages are text: they pass through ``str`` both ways.
        deflate: ``none``; ``equal``: window of 15 bits, context takeover, both ways; ``default``: the library's own.
        keepalive: Ping every ``PING_INTERVAL`` seconds.
        ssl: For TLS, or None.
        busy_poll: Microseconds, of openline alone.
        sock: Bound to a free port of 127.0.0.1; not yet listening.
    """

    fanout: bool
    task: str
    text: bool
    deflate: str
    keepalive: bool
    busy_poll: int
    ssl: ssl.SSLContext | None
    sock: socket.socket

    @property
    def ping_interval(self) -> int | None:
        """As ``websockets`` takes it."""
        return PING_INTERVAL if self.keepalive else None


def _parse() -> tuple[Job, str]:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fanout", action="store_true")
    parser.add_argument("--text", action="store_true")
    parser.add_argument("--task", default="")
    parser.add_argument("--deflate", choices=["none", "equal", "default"], default="none")
    parser.add_argument("--keepalive", action="store_true")
    parser.add_argument("--busy-poll", type=int, default=0)
    parser.add_argument("--certificate", nargs=2, metavar=("CHAIN", "KEY"))
    parser.add_argument("--loop", choices=["asyncio", "uvloop"], required=True)
    arguments = parser.parse_args()
    context = None
    if arguments.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*arguments.certificate)
    sock = socket.create_server(("127.0.0.1", 0), backlog=1024)
    job = Job(
        fanout=arguments.fanout,
        task=arguments.task,
        text=arguments.text,
        deflate=arguments.deflate,
        keepalive=arguments.keepalive,
        busy_poll=arguments.busy_poll,
        ssl=context,
        sock=sock,
    )
    return job, arguments.loop


def run(serve: Callable[[Job], Awaitable[object]]) -> None:
    """Run a server until the process is ended.

    Args:
        serve: Returns when connections are accepted; what it returns is kept alive.
    """
    job, loop = _parse()

    async def main() -> None:
        server = await serve(job)
        print("listening", job.sock.getsockname()[1], flush=True)
        await asyncio.Event().wait()
        del server

    if loop == "uvloop":
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
