"""The process before the servers: a relay for each, which counts the bytes that pass on its sockets.

What is counted are the bytes of TCP's stream, as they are read from the socket of one end and written to the other's:
start lines, header fields, chunk sizes, frame headers and handshakes included; what TCP and IP add is not.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass

from openline.playground.comparison.child import Order, Report
from openline.playground.relay import Direction, Relay, Watcher


@dataclass(slots=True)
class Meter:
    """What has passed before one server.

    Attributes:
        received: Bytes from clients.
        sent: Bytes to clients.
        connections: TCP connections that were opened.
    """

    received: int = 0
    sent: int = 0
    connections: int = 0


class Counting(Watcher):
    """Counts what passes on one connection."""

    __slots__ = ("_meter",)

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        meter.connections += 1

    def passed(self, direction: Direction, data: bytes) -> None:
        """See `Watcher`."""
        if direction == "in":
            self._meter.received += len(data)
        else:
            self._meter.sent += len(data)


class MeterRole:
    """Relays, by technique.

    Args:
        relays: By technique: the descriptor of a bound socket, and the port of the server.
    """

    def __init__(self, relays: dict[str, tuple[int, int]]) -> None:
        self._ports = relays
        self._meters = {technique: Meter() for technique in relays}
        self._relays: dict[str, Relay] = {}

    async def start(self) -> Report:
        """Listen."""
        for technique, (descriptor, port) in self._ports.items():
            meter = self._meters[technique]
            relay = Relay(("127.0.0.1", port), lambda meter=meter: Counting(meter))
            await relay.listen(socket.socket(fileno=descriptor))
            self._relays[technique] = relay
        return {"pid": os.getpid()}

    async def obey(self, order: Order) -> Report | None:
        """Report."""
        return {
            "cpu": time.process_time(),
            **{
                technique: {
                    "received": meter.received,
                    "sent": meter.sent,
                    "connections": meter.connections,
                    "open": self._relays[technique].connections,
                }
                for technique, meter in self._meters.items()
            },
        }


def make(relays: dict[str, tuple[int, int]]) -> MeterRole:
    """Make the role; see `openline.playground.comparison.child`."""
    return MeterRole(relays)
