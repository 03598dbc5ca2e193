"""What a hub counts: plain numbers, changed where something happens and read when somebody asks.

Counting is on the way of every message, so it is an addition and nothing else. What can be had by looking (sessions,
subscriptions, bytes that wait) is not counted; see `openline.hub.metrics`. All numbers only grow, from the start of
the hub on.
"""

from __future__ import annotations

__all__ = ["LATENCY_EDGES", "Counters", "Latencies"]

_BUCKETS = 25

LATENCY_EDGES = tuple(2**power / 1e6 for power in range(_BUCKETS - 1))
"""Upper edges of the buckets of `Latencies`, in seconds: 1 µs, 2 µs, 4 µs, ... 8.4 s. One more bucket holds what is
longer."""


class Latencies:
    """Durations, counted by size: each bucket is twice as wide as the one before, so memory stays the same.

    Attributes:
        buckets: How many durations were in each bucket alone; the last one is open.
        total: The sum of all durations, in seconds.
    """

    __slots__ = ("buckets", "total")

    def __init__(self) -> None:
        self.buckets = [0] * _BUCKETS
        self.total = 0.0

    def observe(self, seconds: float, number: int = 1) -> None:
        """Count a duration, or several of the same; a negative one counts as 0."""
        microseconds = int(seconds * 1e6)
        if microseconds < 0:
            microseconds, seconds = 0, 0.0
        self.buckets[min(microseconds.bit_length(), _BUCKETS - 1)] += number
        self.total += seconds * number

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.buckets)


class Counters:
    """What happened on this node since the hub was made.

    The dicts stay small: their keys are the protocol's methods, the policies, and codes, of which hooks may make up
    at most 1,600 (errors) and 2,000 (disconnects).

    Attributes:
        connections_opened: Clients that came, whether or not they were let in.
        subscriptions: Subscriptions that were made, by clients and by the server.
        publications: Publications that the broker took from this node.
        deliveries: Publications that were sent to a subscriber, or queued for it.
        batched: Those of them that were gathered with others into one frame.
        conflated: Publications, and messages of `send_latest`, that a newer one of the same key replaced before the
            client could take them.
        overruns: Sessions that were ended because more than ``max_queue_size`` bytes waited for them.
        broker_errors: Times that the broker could not be reached or failed.
        recovered: Subscriptions that got all that they had missed.
        unrecovered: Subscriptions that were told that they missed something.
        drops: Publications that were dropped for a client that did not keep up, by ``slow_consumer`` policy.
        commands: Commands of clients, by method.
        errors: Commands that failed, by error code.
        disconnects: Sessions that ended, by disconnect code.
        publish_latency: How long the broker took for a publication.
    """

    __slots__ = (
        "batched",
        "broker_errors",
        "commands",
        "conflated",
        "connections_opened",
        "deliveries",
        "disconnects",
        "drops",
        "errors",
        "overruns",
        "publications",
        "publish_latency",
        "recovered",
        "subscriptions",
        "unrecovered",
    )

    def __init__(self) -> None:
        self.connections_opened = 0
        self.subscriptions = 0
        self.publications = 0
        self.deliveries = 0
        self.batched = 0
        self.conflated = 0
        self.overruns = 0
        self.broker_errors = 0
        self.recovered = 0
        self.unrecovered = 0
        self.drops: dict[str, int] = {}
        self.commands: dict[str, int] = {}
        self.errors: dict[int, int] = {}
        self.disconnects: dict[int, int] = {}
        self.publish_latency = Latencies()

    def count_drop(self, policy: str, number: int = 1) -> None:
        """Count publications that were dropped under a policy."""
        self.drops[policy] = self.drops.get(policy, 0) + number

    def count_command(self, method: str) -> None:
        """Count a command."""
        self.commands[method] = self.commands.get(method, 0) + 1

    def count_error(self, code: int) -> None:
        """Count a command that failed."""
        self.errors[code] = self.errors.get(code, 0) + 1

    def count_disconnect(self, code: int) -> None:
        """Count a session that ended."""
        self.disconnects[code] = self.disconnects.get(code, 0) + 1

    def count_recovery(self, recovered: bool) -> None:
        """Count a client that came back and asked for what it missed."""
        if recovered:
            self.recovered += 1
        else:
            self.unrecovered += 1
