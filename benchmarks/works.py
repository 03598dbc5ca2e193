"""What is measured: one row a work."""

from dataclasses import dataclass
from typing import Literal

from benchmarks.dialogues import Task

#: What Chrome offers.
CHROME_DEFLATE = "permessage-deflate; client_max_window_bits"

#: How many are silent beside those that are measured.
IDLE_BESIDE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One work, done alike by every peer.

    Attributes:
        mode: Of the load client; or ``keepalive``: what idle connections cost; ``client``: the peer is the client, and
            the C loop the server; ``import``: what it takes to load the peer; ``live``, ``editing``, ``game``,
            ``inbox``: of `live.py` and so on.
        payload: Kind of the messages (see ``payloads``).
        size: Of each message, in bytes.
        connections: Open at the same time.
        in_flight: Messages of one connection that are not yet answered; fan-out: not yet with all.
        deflate: ``None``: not offered. ``equal``: a window of 15 bits and context takeover both ways, for every peer.
            ``default``: what each peer answers to Chrome's offer by itself.
        tls: Over TLS 1.3.
        keepalive: Pings every 20 s, as most libraries do by default; off where messages flow.
        echoes: Idle works: messages that each connection echoes before its memory is read.
        beside: Who stands beside the connections that are measured: ``idle``: 10,000 more, which are silent;
            otherwise see ``neighbours``.
        also: Peers on the other event loop, beside those that were asked for.
        task: Above the frames (see ``dialogues``): done by the peers that name it. Empty: the frames themselves.
        channels: Cut works: connections are spread over so many.
        each_node: ``connections`` are for each node of a server that has several.
        users: Who have an inbox.
    """

    name: str
    title: str
    mode: Literal[
        "echo",
        "fanout",
        "open",
        "churn",
        "idle",
        "cut",
        "keepalive",
        "client",
        "import",
        "live",
        "editing",
        "game",
        "inbox",
    ] = "echo"
    payload: Literal["binary", "text", "json"] = "binary"
    size: int = 64
    connections: int = 100
    in_flight: int = 1
    deflate: Literal["equal", "default"] | None = None
    tls: bool = False
    keepalive: bool = False
    echoes: int = 0
    beside: Literal["", "idle", "flood", "deaf", "large"] = ""
    also: tuple[str, ...] = ()
    task: Task | Literal[""] = ""
    channels: int = 1
    each_node: bool = False
    users: int = 0

    @property
    def text(self) -> bool:
        """Whether the messages are text: ``str`` in and out on the server."""
        return self.payload != "binary"

    @property
    def all_connections(self) -> int:
        """Those beside included."""
        return self.connections + (IDLE_BESIDE if self.beside == "idle" else 0)

    @property
    def unit(self) -> str:
        """What the figures are for one of."""
        return _UNITS.get(self.mode, "connection")

    @property
    def needs(self) -> frozenset[str]:
        """Features that a peer must have for it."""
        needed = {
            "fanout": self.mode == "fanout" and not self.task,
            "deflate": self.deflate is not None,
            "tls": self.tls,
            "text": self.text,
            "keepalive": self.keepalive,
        }
        return frozenset(feature for feature, wanted in needed.items() if wanted)


_UNITS = {
    "echo": "message",
    "client": "message",
    "fanout": "delivery",
    "live": "value",
    "editing": "delivery",
    "game": "state",
    "inbox": "append",
}

_ALL = [
    Work(
        name="echo64c1",
        title="echo 64 B, 1 connection",
        connections=1,
        also=("openline-listener@uvloop", "openline-coroutine@uvloop", "openline-busy", "picows@asyncio"),
    ),
    Work(name="echo64", title="echo 64 B, 100 connections"),
    Work(name="echo64x16", title="echo 64 B, 100 connections, 16 in flight on each", in_flight=16),
    Work(name="echo64c1000", title="echo 64 B, 1,000 connections", connections=1000),
    Work(name="echo64c5000", title="echo 64 B, 5,000 connections", connections=5000),
    Work(name="echo64c15000", title="echo 64 B, 15,000 connections", connections=15_000),
    Work(name="echo16k", title="echo 16 KiB, 100 connections", size=16_384),
    Work(name="echo1m", title="echo 1 MB, 4 connections", size=1_000_000, connections=4),
    Work(name="text1k", title="text echo, 1 KiB of mixed UTF-8, 100 connections", payload="text", size=1024),
    Work(name="tls64", title="echo 64 B over TLS, 100 connections", tls=True),
    Work(
        name="deflate400",
        title="echo 400 B of JSON with deflate, window of 15 bits, 100 connections",
        payload="json",
        size=400,
        deflate="equal",
    ),
    Work(
        name="deflate4k",
        title="echo 4 kB of JSON with deflate, window of 15 bits, 100 connections",
        payload="json",
        size=4000,
        deflate="equal",
    ),
    Work(
        name="deflate400own",
        title="echo 400 B of JSON with deflate, each peer's own default, 100 connections",
        payload="json",
        size=400,
        deflate="default",
    ),
    Work(name="fanout64", title="fan-out 64 B to 500", mode="fanout", connections=500),
    Work(
        name="fanout400d",
        title="fan-out 400 B of JSON with deflate to 500, window of 15 bits",
        mode="fanout",
        payload="json",
        size=400,
        connections=500,
        deflate="equal",
    ),
    Work(name="handshake", title="opening handshake, 5,000 connections", mode="open", connections=5000),
    Work(
        name="churn",
        title="opening and closing handshake, 5,000 connections, 64 at a time",
        mode="churn",
        connections=5000,
    ),
    Work(
        name="idle",
        title="idle connections, keepalive on, 10,000",
        mode="idle",
        connections=10_000,
        keepalive=True,
    ),
    Work(
        name="idletls",
        title="idle TLS connections, keepalive on, 2,000",
        mode="idle",
        connections=2000,
        keepalive=True,
        tls=True,
    ),
    Work(
        name="idledeflate",
        title="idle connections, deflate as Chrome offers it, after 10 messages of 400 B each way, 2,000",
        mode="idle",
        payload="json",
        size=400,
        connections=2000,
        keepalive=True,
        deflate="default",
        echoes=10,
    ),
    Work(
        name="idle1m",
        title="idle connections after each has echoed 1 MB once, 2,000",
        mode="idle",
        size=1_000_000,
        connections=2000,
        keepalive=True,
        echoes=1,
    ),
    Work(
        name="idletls1m",
        title="idle TLS connections after each has echoed 1 MB once, 500",
        mode="idle",
        size=1_000_000,
        connections=500,
        keepalive=True,
        tls=True,
        echoes=1,
    ),
    Work(
        name="keepalive",
        title="keepalive of 10,000 idle connections, a ping each every 20 s",
        mode="keepalive",
        connections=10_000,
        keepalive=True,
    ),
    Work(name="echo64idle", title="echo 64 B, 100 connections, beside 10,000 idle ones", beside="idle"),
    Work(name="echo64flood", title="echo 64 B, 100 connections, beside one that floods", beside="flood"),
    Work(
        name="echo64deaf",
        title="echo 64 B, 100 connections, beside one that sends and never reads",
        beside="deaf",
    ),
    Work(
        name="echo64large",
        title="echo 64 B, 100 connections, beside one on which messages of 100 MiB pass",
        beside="large",
    ),
    Work(name="client64", title="client: 64 B to the C loop and back, 100 connections", mode="client"),
    Work(name="import", title="loading client and server", mode="import"),
    Work(
        name="workers",
        title="echo 64 B, 100 connections, processes that share a port (and here a core)",
        task="workers",
    ),
    Work(
        name="hubfan100",
        title="publish 100 B of JSON in the server's process to 1,000 subscribers, with history and recovery",
        mode="fanout",
        payload="json",
        size=100,
        connections=1000,
        task="inside",
    ),
    Work(
        name="hubfan500",
        title="publish 100 B of JSON to 500 subscribers",
        mode="fanout",
        payload="json",
        size=100,
        connections=500,
        task="publish",
    ),
    Work(
        name="hubrpc",
        title="remote calls that echo 100 B of JSON, 100 clients",
        payload="json",
        size=100,
        task="rpc",
    ),
    Work(
        name="hubconnect",
        title="connect, 2,000 clients; the hub's bring a token (HS256) and subscribe",
        mode="open",
        payload="json",
        size=100,
        connections=2000,
        task="connect",
    ),
    Work(
        name="hubidle",
        title="idle clients, keepalive on, in one room or channel, 2,000",
        mode="idle",
        payload="json",
        size=100,
        connections=2000,
        keepalive=True,
        task="idle",
    ),
    Work(
        name="hubsqlite",
        title="publish 100 B of JSON with history, 100 clients at once, each waiting for its acknowledgement",
        payload="json",
        size=100,
        task="acknowledge",
    ),
    Work(
        name="hubcut",
        title="5,000 clients in 50 channels, 100 messages/s; all lines cut at once, back within 2 s",
        mode="cut",
        payload="json",
        size=100,
        connections=5000,
        channels=50,
        task="cut",
    ),
    Work(
        name="live",
        title="500 symbols, 20,000 changes/s; 200 clients get a frame with the newest of 50 of them 10 times a second",
        mode="live",
        payload="json",
        connections=200,
        task="live",
    ),
    Work(
        name="editing",
        title="50 people press 5 keys a second each in one document of 100 kB; one of 1 MB of history is opened",
        mode="editing",
        connections=50,
        task="editing",
    ),
    Work(
        name="game",
        title="200 players in one arena, 30 ticks and inputs a second, each seeing about 20 others",
        mode="game",
        connections=200,
        task="game",
    ),
    Work(
        name="inbox",
        title="inboxes of 10,000 users with 100 notifications stored in each, users at random",
        mode="inbox",
        connections=0,
        task="inbox",
        users=10_000,
    ),
    Work(
        name="hubredis",
        title="publish 100 B of JSON to 500 subscribers on each node, with history and recovery",
        mode="fanout",
        payload="json",
        size=100,
        connections=500,
        each_node=True,
        task="nodes",
    ),
]

#: By name, in the order of the table.
WORKS = {work.name: work for work in _ALL}
