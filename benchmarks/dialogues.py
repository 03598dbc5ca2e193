"""What clients of the hub's kind say above the frames: for each protocol and task, the load client's ``--dialogue``."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

#: What a server of the hub's kind is to do:
#: ``inside``: a client gives the sign, the server publishes to all; ``publish``: a client publishes to all; ``rpc``:
#: echo calls; ``connect``, ``idle``: nothing more; ``acknowledge``: keep what is published, nobody subscribes; ``cut``:
#: publish to one of many channels, recover who comes back; ``nodes``: as ``publish``, on each node that there is;
#: ``workers``: echo, of a server of several processes; ``live``: move a market, of which clients get the newest;
#: ``editing``: keep documents; ``game``: run a room; ``inbox``: keep notifications, without any clients.
Task = Literal[
    "inside",
    "publish",
    "rpc",
    "connect",
    "idle",
    "acknowledge",
    "cut",
    "nodes",
    "workers",
    "live",
    "editing",
    "game",
    "inbox",
]

#: The protocols.
Protocol = Literal["", "hub", "socketio"]

#: Signs the tokens of the hub's clients; not a secret.
TOKEN_KEY = "the key of the benchmarks, in no use anywhere else"

SUBSCRIBED: frozenset[Task] = frozenset({"inside", "publish", "connect", "idle", "cut", "nodes"})


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What the load client is told.

    Attributes:
        path: Of the request.
        lines: Of the file; see ``load/dialogue.h``.
    """

    path: str
    lines: tuple[str, ...]


_SOCKETIO_SENT: dict[Task, tuple[str, ...]] = {
    "publish": ('send 42["m",%s]', 'expect 42["m",'),
    "rpc": ('send 420["echo",%s]', "expect 430["),
}

_HUB_SENT: dict[Task, tuple[str, ...]] = {
    "inside": ('send {"send":{"data":%s}}', 'expect {"push":{"channel":"fan:0","pub":{'),
    "publish": (
        'send {"id":3,"publish":{"channel":"fan:0","data":%s}}',
        'expect {"push":{"channel":"fan:0","pub":{',
        'also {"id":3,"publish":',
    ),
    "rpc": ('send {"id":3,"rpc":{"data":%s,"method":"echo"}}', 'expect {"id":3,"rpc":'),
    "acknowledge": (
        'send {"id":3,"publish":{"channel":"fan:0","data":%s}}',
        'expect {"id":3,"publish":',
        "acks",
    ),
    "cut": (
        'send {"id":3,"publish":{"channel":"fan:%u","data":%s}}',
        'expect {"push":{"channel":"fan:',
        'also {"id":3,"publish":',
    ),
}
_HUB_SENT["nodes"] = _HUB_SENT["publish"]


def token() -> str:
    """A token of the hub's clients, for a day."""
    import jwt

    return jwt.encode({"sub": "42", "exp": int(time.time()) + 86_400}, TOKEN_KEY, algorithm="HS256")


def _socketio(task: Task) -> Dialogue:
    greeting = ("< 0{", "> 40", "< 40{", "ping 2", "pong 3")
    return Dialogue("/socket.io/?EIO=4&transport=websocket", (*greeting, *_SOCKETIO_SENT.get(task, ())))


def _hub(task: Task) -> Dialogue:
    connect = f'{{"id":1,"connect":{{"token":"{token()}","name":"load"}}}}'
    lines = ["ping {}", "pong {}", *_HUB_SENT.get(task, ())]
    if task in SUBSCRIBED:
        lines += [
            f'> {connect}%n{{"id":2,"subscribe":{{"channel":"fan:%u"}}}}',
            '< {"id":1,"connect":',
            '< {"id":2,"subscribe":',
            f'>> {connect}%n{{"id":2,"subscribe":{{"channel":"fan:%u","recover":true,"offset":%o,"epoch":"%e"}}}}',
            '<< {"id":1,"connect":',
            '<< {"id":2,"subscribe":',
        ]
    else:
        lines += [f"> {connect}", '< {"id":1,"connect":']
    return Dialogue("/connection/websocket", tuple(lines))


def dialogue(protocol: Protocol, task: Task) -> Dialogue | None:
    """What to say; None where what is sent comes back as it is."""
    if protocol == "hub":
        return _hub(task)
    if protocol == "socketio":
        return _socketio(task)
    if task == "rpc":
        # The same bytes, to a plain echo.
        sent = _HUB_SENT["rpc"][0]
        return Dialogue("/", (sent, sent.replace("send", "expect", 1).partition("%s")[0]))
    return None


def write_dialogue(folder: Path, name: str, lines: tuple[str, ...]) -> Path:
    """Write the load client's file.

    Args:
        folder: Where to.
        name: Of the file.
        lines: What it holds.

    Returns:
        The file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("".join(line + "\n" for line in lines))
    return path
