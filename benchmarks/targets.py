"""What openline is to reach: ratios of server CPU (idle works: of memory) in one run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from benchmarks.cell import Sample

LISTENER, COROUTINE, HUB = "openline-listener", "openline-coroutine", "openline-hub"


@dataclass(frozen=True, slots=True)
class Target:
    """``ours`` ÷ ``theirs`` at most ``bound``; without ``theirs``: ``ours`` itself.

    Attributes:
        field: Of ``Sample``.
        base: A work: the same ratio there is what this one is divided by. So the two differ in shape alone.
        least: The bound is the least, not the most.
    """

    work: str
    ours: str
    theirs: str | None
    bound: float
    field: Literal[
        "cpu_us",
        "memory",
        "wire_bytes",
        "growth",
        "rate",
        "p99_us",
        "p999_us",
        "cpu_share",
        "import_us",
        "open_us",
        "read_us",
    ] = "cpu_us"
    least: bool = False
    base: str | None = None

    def value(self, medians: Callable[[str], dict[str, Sample]]) -> float | None:
        """The figure to hold against the bound; None where a part of it was not measured.

        Args:
            medians: Gives the medians of a work, by peer.
        """
        here = self._ratio(medians(self.work))
        if self.base is None or here is None:
            return here
        there = self._ratio(medians(self.base))
        return here / there if there else None

    def _ratio(self, medians: dict[str, Sample]) -> float | None:
        ours = self._read(medians.get(self.ours))
        if self.theirs is None:
            return ours
        theirs = self._read(medians.get(self.theirs))
        return ours / theirs if ours is not None and theirs else None

    def met(self, value: float) -> bool:
        """Whether this figure is good enough."""
        return value >= self.bound if self.least else value <= self.bound

    def _read(self, sample: Sample | None) -> float | None:
        if sample is None:
            return None
        if self.field == "growth":
            return sample.memory / sample.memory_before if sample.memory and sample.memory_before else None
        value: float | None = getattr(sample, self.field)
        return value


def _both(work: str, theirs: str | None, bound: float, field: Literal["memory", "growth"]) -> list[Target]:
    return [Target(work, ours, theirs, bound, field) for ours in (LISTENER, COROUTINE)]


TARGETS = [
    Target("echo64c1", f"{LISTENER}@uvloop", "picows", 1.0),
    Target("echo64c1", LISTENER, "picows@asyncio", 1.0),
    Target("echo64c1", f"{COROUTINE}@uvloop", "picows", 1.1),
    Target("echo64c1", COROUTINE, "picows@asyncio", 1.1),
    Target("echo64", LISTENER, "limit", 1.10),
    Target("echo64", LISTENER, "picows", 0.87),
    Target("echo64", COROUTINE, "limit", 1.30),
    Target("echo64", COROUTINE, "picows", 1.03),
    Target("echo64", COROUTINE, "picows.websockets", 0.77),
    Target("echo64", COROUTINE, "websockets", 0.31),
    Target("echo64x16", LISTENER, "limit", 1.35),
    Target("echo64x16", LISTENER, "picows", 0.09),
    Target("echo64x16", COROUTINE, "limit", 3.2),
    Target("echo64x16", COROUTINE, "picows.websockets", 0.2),
    Target("echo16k", LISTENER, "picows", 0.45),
    Target("echo16k", COROUTINE, "picows.websockets", 0.42),
    Target("echo1m", LISTENER, "picows", 0.5),
    Target("echo1m", COROUTINE, "picows.websockets", 0.55),
    Target("text1k", LISTENER, "picows", 0.95),
    Target("text1k", COROUTINE, "websockets", 0.4),
    Target("tls64", LISTENER, "picows", 0.88),
    Target("tls64", COROUTINE, "picows", 1.0),
    Target("tls64", COROUTINE, "websockets", 0.32),
    *(
        target
        for work in ("deflate400", "deflate4k")
        for target in (
            Target(work, COROUTINE, "websockets", 0.5),
            Target(work, COROUTINE, "picows.websockets", 0.45),
            Target(work, COROUTINE, "websockets", 1.05, "wire_bytes"),
        )
    ),
    Target("fanout64", LISTENER, "picows", 0.85),
    Target("fanout64", COROUTINE, "websockets", 0.5),
    Target("fanout400d", COROUTINE, "websockets", 0.12),
    Target("fanout400d", COROUTINE, "picows.websockets", 0.07),
    Target("handshake", LISTENER, "picows", 0.5),
    Target("handshake", COROUTINE, "websockets", 0.5),
    Target("idle", LISTENER, None, 2000, "memory"),
    Target("idle", COROUTINE, None, 3500, "memory"),
    Target("idletls", LISTENER, "websockets", 0.36, "memory"),
    Target("idletls", COROUTINE, "websockets", 0.38, "memory"),
    *_both("idledeflate", "websockets", 0.25, "memory"),
    *_both("idle1m", None, 1.10, "growth"),
    *_both("idletls1m", None, 1.10, "growth"),
    Target("client64", LISTENER, "picows", 0.9),
    Target("client64", COROUTINE, "websockets", 0.4),
    Target("import", LISTENER, "websockets", 1.0, "import_us"),
    *(
        Target(f"echo64c{connections}", ours, "limit", 1.15, base="echo64")
        for connections in (1000, 5000, 15_000)
        for ours in (LISTENER, COROUTINE)
    ),
    Target("keepalive", LISTENER, None, 0.01, "cpu_share"),
    Target("keepalive", COROUTINE, None, 0.01, "cpu_share"),
    *(
        Target(f"echo64{beside}", ours, None, 1.5, "p999_us", base="echo64")
        for beside in ("idle", "flood", "deaf", "large")
        for ours in (LISTENER, COROUTINE)
    ),
    Target("hubfan100", HUB, "openline-broadcast", 1.15),
    Target("hubfan500", HUB, "python-socketio", 0.10),
    Target("hubfan500", HUB, "channels", 0.03),
    Target("hubfan500", HUB, "socket.io", 0.55),
    Target("hubrpc", HUB, COROUTINE, 2.2),
    Target("live", HUB, None, 1.0, "cpu_share"),
    Target("editing", "openline-documents", None, 100_000, "p99_us"),
    Target("editing", "openline-documents", None, 1_000_000, "open_us"),
    Target("game", "openline-rooms", None, 0.5, "cpu_share"),
    Target("game", "openline-rooms", None, 5000, "p99_us"),
    Target("inbox", "openline-inbox", None, 1000),
    Target("inbox", "openline-inbox", None, 1000, "read_us"),
    Target("hubconnect", HUB, "python-socketio", 0.27),
    Target("hubidle", HUB, None, 5000, "memory"),
    Target("hubidle", HUB, "socket.io", 0.25, "memory"),
    Target("hubsqlite", f"{HUB}-sqlite", HUB, 0.3, "rate", least=True),
    Target("hubredis", f"{HUB}-redis", HUB, 1.25),
]
