"""The table of peers."""

from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from benchmarks.dialogues import Protocol, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A server to measure.

    Attributes:
        program: A module of this package; ``limit`` and those in ``NODE`` are no Python. Empty: it has no clients.
        loop: The event loop that it runs on by default: the one on which it is fastest.
        packages: Distributions whose versions are stated. The first must be installed.
        settings: What was set, and why.
        ours: Which API of openline's this is; None for the others.
        lacks: Features that it does not have (see ``works.Work.needs``).
        protocol: What it speaks above the frames.
        tasks: Works of the hub's kind that it does.
        frames: Whether it does the works without a task.
        arguments: Further ones of its program.
        client: Its client, a module of ``benchmarks.clients``; empty: it has none.
        statement: That loads client and server; empty: it is no Python.
    """

    name: str
    program: str
    loop: Literal["asyncio", "uvloop", ""]
    packages: tuple[str, ...] = ()
    settings: str
    ours: Literal["callback", "coroutine"] | None = None
    lacks: frozenset[str] = frozenset()
    protocol: Protocol = ""
    tasks: frozenset[Task] = frozenset()
    frames: bool = True
    arguments: tuple[str, ...] = ()
    client: str = ""
    statement: str = ""

    def versions(self) -> dict[str, str]:
        """Versions by distribution.

        Raises:
            PackageNotFoundError: One is not installed.
        """
        loop = ("uvloop",) if self.loop == "uvloop" else ()
        return {package: version(package) for package in (*self.packages, *loop)}

    def missing(self) -> str | None:
        """Name of a distribution that is not installed; None where all are."""
        try:
            self.versions()
        except PackageNotFoundError as error:
            return error.name
        return None


_ALL = [
    Peer(
        name="openline-listener",
        program="openline_listener",
        loop="asyncio",
        packages=("openline",),
        ours="callback",
        client="openline_listener",
        statement="from openline import connect, serve",
        settings="callback API; compression only where the work has it; pings off where messages flow",
    ),
    Peer(
        name="openline-coroutine",
        program="openline_coroutine",
        loop="asyncio",
        packages=("openline",),
        ours="coroutine",
        client="openline_coroutine",
        settings="coroutine API; compression only where the work has it; pings off where messages flow",
        tasks=frozenset({"rpc"}),
    ),
    Peer(
        name="limit",
        program="limit",
        loop="",
        settings="a bare C epoll loop, see limit/README.md",
        lacks=frozenset({"deflate", "tls", "keepalive", "text"}),
    ),
    Peer(
        name="picows",
        program="picows_core",
        loop="uvloop",
        packages=("picows", "aiofastnet"),
        client="picows_core",
        statement="from picows import ws_connect, ws_create_server",
        settings="listener; payload sent back as a memoryview up to 8 KiB (it is copied then), as bytes above; "
        "aiofastnet's transports; pings off where messages flow",
        lacks=frozenset({"deflate"}),
    ),
    Peer(
        name="picows.websockets",
        program="picows_websockets",
        loop="uvloop",
        packages=("picows", "aiofastnet"),
        settings="compression only where the work has it, its window is always 15 bits; pings off where messages flow; "
        "max_queue=None; aiofastnet's transports",
    ),
    Peer(
        name="websockets",
        program="websockets_asyncio",
        loop="uvloop",
        packages=("websockets",),
        client="websockets_asyncio",
        statement="from websockets.asyncio.client import connect",
        settings="compression only where the work has it, with its own memLevel=5; "
        "pings off where messages flow; max_queue=None",
    ),
    Peer(
        name="aiohttp",
        program="aiohttp_web",
        loop="uvloop",
        packages=("aiohttp",),
        settings="no access log; compression only where the work has it; heartbeat off where messages flow",
    ),
    Peer(
        name="wsproto",
        program="wsproto_asyncio",
        loop="uvloop",
        packages=("wsproto",),
        settings="under an asyncio.Protocol; the answers to one read leave in one write; no keepalive of its own",
        lacks=frozenset({"keepalive"}),
    ),
    Peer(
        name="uvicorn",
        program="uvicorn_asgi",
        loop="uvloop",
        packages=("uvicorn", "websockets", "httptools"),
        settings="bare ASGI application; ws=auto; httptools; no log; no lifespan; pings off where messages flow",
        lacks=frozenset({"deflate", "tls"}),
    ),
    Peer(
        name="uvicorn-websockets",
        program="uvicorn_asgi_websockets",
        loop="uvloop",
        packages=("uvicorn", "websockets", "httptools"),
        settings="the same with ws=websockets",
        lacks=frozenset({"deflate", "tls"}),
    ),
    Peer(
        name="socketify",
        program="socketify_app",
        loop="",
        packages=("socketify",),
        settings="its own loop over uWebSockets; compression and idle timeout off; topics for the fan-out",
        lacks=frozenset({"deflate", "tls", "keepalive"}),
    ),
    Peer(
        name="ws",
        program="ws_node",
        loop="",
        settings="on Node.js, with bufferutil; deflate only where the work has it, threshold 0",
        lacks=frozenset({"keepalive"}),
    ),
    Peer(
        name="openline-busy",
        program="openline_listener",
        loop="asyncio",
        packages=("openline",),
        settings="callback API with busy_poll=50: for latency, at the price of CPU",
        frames=False,
        arguments=("--busy-poll", "50"),
    ),
    *(
        Peer(
            name=f"openline-workers-{workers}",
            program="openline_workers",
            loop="",
            packages=("openline",),
            settings=f"openline serve --workers {workers} --no-compress --ping-interval 0",
            frames=False,
            tasks=frozenset({"workers"}),
            arguments=("--workers", str(workers)),
        )
        for workers in (1, 2)
    ),
    Peer(
        name="openline-hub",
        program="openline_hub",
        loop="asyncio",
        packages=("openline", "msgspec"),
        settings="broker in memory; a namespace with history and recovery; tokens of HS256; its own pings",
        protocol="hub",
        frames=False,
        tasks=frozenset(
            {"inside", "publish", "rpc", "connect", "idle", "acknowledge", "cut", "nodes", "live"}
        ),
    ),
    Peer(
        name="openline-broadcast",
        program="openline_hub_broadcast",
        loop="asyncio",
        packages=("openline", "msgspec"),
        settings="the same hub and clients; openline.broadcast of the bytes that the hub would send",
        protocol="hub",
        frames=False,
        tasks=frozenset({"inside"}),
    ),
    Peer(
        name="openline-hub-sqlite",
        program="openline_hub_sqlite",
        loop="asyncio",
        packages=("openline", "msgspec"),
        settings="the same hub on a new SQLite file, which is synced as the broker does by default",
        protocol="hub",
        frames=False,
        tasks=frozenset({"acknowledge", "cut"}),
    ),
    Peer(
        name="openline-hub-redis",
        program="openline_hub_redis",
        loop="asyncio",
        packages=("openline", "msgspec", "redis"),
        settings="two such hubs, a process each, on one Redis; all on the server's core, Redis not counted",
        protocol="hub",
        frames=False,
        tasks=frozenset({"nodes"}),
    ),
    Peer(
        name="openline-documents",
        program="openline_documents",
        loop="asyncio",
        packages=("openline", "pycrdt"),
        settings="documents on a new SQLite file, synchronous=normal; no compression",
        frames=False,
        tasks=frozenset({"editing"}),
    ),
    Peer(
        name="openline-rooms",
        program="openline_rooms",
        loop="asyncio",
        packages=("openline", "msgspec", "protobuf"),
        settings="one room of 30 ticks a second; players speak protobuf; no compression",
        frames=False,
        tasks=frozenset({"game"}),
    ),
    Peer(
        name="openline-inbox",
        program="",
        loop="asyncio",
        packages=("openline", "msgspec"),
        settings="a SQLite file that is synced with every send; 64 users served at a time, nobody online",
        frames=False,
        tasks=frozenset({"inbox"}),
    ),
    Peer(
        name="python-socketio",
        program="socketio_asgi",
        loop="uvloop",
        packages=("python-socketio", "python-engineio", "uvicorn", "websockets", "httptools"),
        settings="ASGI under uvicorn; ws=auto; httptools; no log; clients come by WebSocket at once; its own pings",
        protocol="socketio",
        frames=False,
        tasks=frozenset({"publish", "rpc", "connect", "idle"}),
    ),
    Peer(
        name="channels",
        program="channels_asgi",
        loop="uvloop",
        packages=("channels", "Django", "uvicorn", "websockets", "httptools"),
        settings="layer in memory; one AsyncWebsocketConsumer, one group; under uvicorn as above",
        frames=False,
        tasks=frozenset({"publish", "connect", "idle"}),
    ),
    Peer(
        name="socket.io",
        program="socketio_node",
        loop="",
        settings="on Node.js, with bufferutil; clients come by WebSocket at once; its own pings",
        protocol="socketio",
        frames=False,
        tasks=frozenset({"publish", "rpc", "connect", "idle"}),
    ),
]

#: Programs on Node.js, each a folder with its packages.
NODE = frozenset({"ws_node", "socketio_node"})

#: By name, in the order of the table.
PEERS = {peer.name: peer for peer in _ALL}


def find(name: str) -> Peer:
    """The peer of this name; ``NAME@asyncio`` and ``NAME@uvloop`` put it on that loop.

    Raises:
        KeyError: There is none, or it has no loop to choose.
    """
    base, _, loop = name.partition("@")
    peer = PEERS[base]
    if not loop:
        return peer
    if not peer.loop or loop not in ("asyncio", "uvloop"):
        raise KeyError(name)
    return replace(peer, name=name, loop=loop)
