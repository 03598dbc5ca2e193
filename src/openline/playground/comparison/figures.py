"""From counters to figures: what has changed over some seconds. No I/O."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

WINDOW = 6.0  # seconds that a figure looks back
LATEST = 3  # messages that it must have seen, where they are rare
LONGEST_WINDOW = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Sample:
    """The counters of one technique at a moment; all but ``latencies`` and ``open`` only grow.

    Attributes:
        at: Seconds, monotonic.
        received: Bytes from the clients, on the socket.
        sent: Bytes to them.
        requests: HTTP requests, handshakes included.
        delivered: Messages handed out, once for each client.
        messages: Messages made.
        cpu: Seconds of CPU that the server has used.
        lost: Messages that clients missed.
        open: TCP connections.
        latencies: Median and 99th percentile since the sample before, in milliseconds; None: nothing came.
    """

    at: float
    received: int = 0
    sent: int = 0
    requests: int = 0
    delivered: int = 0
    messages: int = 0
    cpu: float = 0.0
    lost: int = 0
    open: int = 0
    latencies: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What one technique costs and gives. None: nothing was delivered.

    Attributes:
        bytes_per_message: On the wire, both directions, for each message that a client gets.
        bytes_per_second: The same for all clients, in a second.
        latency, latency_99: From the making of a message to its arrival, in milliseconds.
        requests: In a second.
        cpu: Of one core, 1.0 is all of it.
        cpu_per_message: Microseconds of the server for each message that a client gets.
        messages: That clients get in a second.
        lost: Messages that clients missed, so far.
        open: TCP connections.
    """

    bytes_per_message: float | None
    bytes_per_second: float
    latency: float | None
    latency_99: float | None
    requests: float
    cpu: float
    cpu_per_message: float | None
    messages: float
    lost: int
    open: int


class Window:
    """The samples of one technique for as far back as figures look."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque()

    def clear(self) -> None:
        """Forget: what is measured has changed."""
        self._samples.clear()

    def add(self, sample: Sample) -> None:
        """Add the newest sample, and forget those that are too old."""
        self._samples.append(sample)
        while len(self._samples) > 2 and self._is_enough(self._samples[1], sample):
            self._samples.popleft()

    def figures(self) -> Figures | None:
        """Return what the samples say; None: there are fewer than two."""
        if len(self._samples) < 2:
            return None
        first, last = self._samples[0], self._samples[-1]
        seconds = last.at - first.at
        delivered = last.delivered - first.delivered
        passed = last.received + last.sent - first.received - first.sent
        cpu = last.cpu - first.cpu
        met = [sample.latencies for sample in list(self._samples)[1:] if sample.latencies is not None]
        return Figures(
            bytes_per_message=passed / delivered if delivered else None,
            bytes_per_second=passed / seconds,
            latency=sorted(median for median, _ in met)[len(met) // 2] if met else None,
            latency_99=max(late for _, late in met) if met else None,
            requests=(last.requests - first.requests) / seconds,
            cpu=cpu / seconds,
            cpu_per_message=cpu / delivered * 1e6 if delivered else None,
            messages=delivered / seconds,
            lost=last.lost,
            open=last.open,
        )

    @staticmethod
    def _is_enough(first: Sample, last: Sample) -> bool:
        seconds = last.at - first.at
        return seconds >= LONGEST_WINDOW or (seconds >= WINDOW and last.messages - first.messages >= LATEST)


def sample_of(
    at: float, technique: str, meter: dict[str, Any], server: dict[str, Any], crowd: dict[str, Any]
) -> Sample:
    """Make a sample of what the processes report.

    Args:
        at: Seconds, monotonic.
        technique: Which.
        meter, crowd: Reports on all techniques.
        server: The report of this technique's server.
    """
    counted, met = meter[technique], crowd[technique]
    latencies = met["latencies"]
    return Sample(
        at,
        received=counted["received"],
        sent=counted["sent"],
        requests=server["requests"],
        delivered=server["delivered"],
        messages=server["messages"],
        cpu=server["cpu"],
        lost=met["lost"],
        open=counted["open"],
        latencies=None if latencies is None else (latencies[0], latencies[1]),
    )
