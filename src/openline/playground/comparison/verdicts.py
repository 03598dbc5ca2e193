"""When should I use which: answers computed from figures, whatever they say. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from openline.playground.comparison.figures import Figures
from openline.playground.comparison.once import Way
from openline.playground.comparison.settings import Settings

NAMES = {
    "polling": "polling",
    "long_polling": "long polling",
    "server_sent_events": "server-sent events",
    "websocket": "WebSocket",
}

AS_GOOD = 1.25  # times the best; what is within it counts as equal
AS_FAST = 1.0  # milliseconds; nobody sees that
BUSY = 0.8  # of a core; from here on latencies are those of a queue


@dataclass(frozen=True, slots=True)
class Verdict:
    """One question, answered.

    Attributes:
        question: What somebody who builds something asks.
        answer: The techniques that the figures name, the best first; more than one where they are equal.
        because: The figures, in a sentence.
    """

    question: str
    answer: tuple[str, ...]
    because: str


def judge(
    figures: Mapping[str, Figures | None], settings: Settings, once: Mapping[str, Way] | None
) -> list[Verdict]:
    """Answer what the figures allow to be answered.

    Args:
        figures: By technique; where one of the four is None, or has delivered nothing, only ``once`` is judged.
        settings: That they were measured with.
        once: What single questions took, by way; None: that was not measured.
    """
    known = {
        name: seen for name in NAMES if (seen := figures.get(name)) is not None and seen.latency is not None
    }
    verdicts: list[Verdict] = []
    if len(known) == len(NAMES):
        verdicts += [
            _at_once(known),
            _may_be_old(known, settings),
            _bytes(known),
            _cpu(known),
            _one_way(known),
        ]
        verdicts.append(_only_requests(known))
    if once is not None:
        verdicts += [_single(once), _conversation(once)]
    return verdicts


def _at_once(known: Mapping[str, Figures]) -> Verdict:
    fastest = min(map(_latency, known.values()))
    fast = [name for name in known if _latency(known[name]) <= max(fastest * AS_GOOD, fastest + AS_FAST)]
    fast.sort(key=lambda name: known[name].cpu)
    times = ", ".join(f"{NAMES[name]} {_ms(_latency(known[name]))}" for name in _sorted(known, _latency))
    word = "The fastest" if len(fast) == 1 else "As fast as each other, the cheapest first"
    return Verdict(
        "It must be there at once", tuple(fast), f"{word}. Half of the messages are there after: {times}."
    )


def _may_be_old(known: Mapping[str, Figures], settings: Settings) -> Verdict:
    polling = known["polling"]
    pushing = {name: seen for name, seen in known.items() if name != "polling"}
    rival = min(pushing, key=lambda name: pushing[name].cpu)
    cheaper = polling.cpu <= pushing[rival].cpu
    because = (
        f"Polling takes {_share(polling.cpu)} of a core and {_size(polling.bytes_per_second)} a second, "
        f"{NAMES[rival]} {_share(pushing[rival].cpu)} and {_size(pushing[rival].bytes_per_second)}. "
    )
    each = settings.rate * settings.every
    because += (
        f"An answer carries {each:.1f} messages on average."
        if each >= 1
        else f"{1 - each:.0%} of the answers are empty, or more."
    )
    return Verdict(f"It may be {settings.every:g} s old", ("polling" if cheaper else rival,), because)


def _bytes(known: Mapping[str, Figures]) -> Verdict:
    order = _sorted(known, lambda seen: seen.bytes_per_second)
    best = known[order[0]].bytes_per_second
    equal = tuple(name for name in order if known[name].bytes_per_second <= best * 1.05)
    each = ", ".join(f"{NAMES[name]} {_size(known[name].bytes_per_message or 0)}" for name in order)
    return Verdict("Traffic is dear", equal, f"On the wire for each message, headers included: {each}.")


def _cpu(known: Mapping[str, Figures]) -> Verdict:
    order = _sorted(known, lambda seen: seen.cpu)
    best = known[order[0]].cpu
    equal = tuple(name for name in order if known[name].cpu <= best * AS_GOOD)
    each = ", ".join(f"{NAMES[name]} {known[name].cpu_per_message or 0:.0f} µs" for name in order)
    busy = [NAMES[name] for name in order if known[name].cpu >= BUSY]
    more = f" {' and '.join(busy).capitalize()}: at the end of its core." if busy else ""
    return Verdict(
        "There are many clients", equal, f"Server CPU for each message that a client gets: {each}.{more}"
    )


def _one_way(known: Mapping[str, Figures]) -> Verdict:
    events, line = known["server_sent_events"], known["websocket"]
    more_bytes = _ratio(events.bytes_per_second, line.bytes_per_second)
    more_cpu = _ratio(events.cpu, line.cpu)
    enough = more_bytes <= AS_GOOD and _latency(events) <= _latency(line) + AS_FAST and events.cpu < BUSY
    because = (
        f"Server-sent events take {more_bytes:.2f} times the bytes of WebSocket and {more_cpu:.1f} times the CPU, "
        f"and are {_ms(abs(_latency(events) - _latency(line)))} "
        f"{'slower' if _latency(events) >= _latency(line) else 'faster'}; "
        f"they are plain HTTP, and browsers reconnect by themselves."
    )
    answer = ("server_sent_events", "websocket") if enough else ("websocket",)
    return Verdict("Only the server speaks", answer, because)


def _only_requests(known: Mapping[str, Figures]) -> Verdict:
    long, short = known["long_polling"], known["polling"]
    better = _latency(long) * AS_GOOD < _latency(short) and long.cpu < BUSY
    because = (
        f"Long polling: {_ms(_latency(long))}, {long.requests:.0f} requests a second, {_share(long.cpu)} of a core. "
        f"Polling: {_ms(_latency(short))}, {short.requests:.0f}, {_share(short.cpu)}."
    )
    return Verdict(
        "A proxy lets only short answers through", ("long_polling" if better else "polling",), because
    )


def _single(once: Mapping[str, Way]) -> Verdict:
    get, line = once["get"], once["websocket"]
    answer = "get" if get.milliseconds <= line.milliseconds else "websocket"
    because = (
        f"A GET: {_size(get.bytes)} and {_ms(get.milliseconds)}. To open a WebSocket, ask, and close it: "
        f"{_size(line.bytes)} and {_ms(line.milliseconds)}, with one round trip more."
    )
    return Verdict("One question, one answer", (answer,), because)


def _conversation(once: Mapping[str, Way]) -> Verdict:
    get, line = once["get_again"], once["websocket_again"]
    answer = (
        "websocket" if line.bytes < get.bytes and line.milliseconds <= get.milliseconds * AS_GOOD else "get"
    )
    because = (
        f"On a connection that is open, a question and its answer: {_size(line.bytes)} and {_ms(line.milliseconds)} by "
        f"WebSocket, {_size(get.bytes)} and {_ms(get.milliseconds)} by GET, which caches understand."
    )
    return Verdict("Question after question", (answer,), because)


def _sorted(known: Mapping[str, Figures], key: Callable[[Figures], float]) -> list[str]:
    return sorted(known, key=lambda name: key(known[name]))


def _latency(seen: Figures) -> float:
    assert seen.latency is not None
    return seen.latency


def _ratio(one: float, other: float) -> float:
    return one / other if other > 0 else float("inf")


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.2g} ms"


def _size(size: float) -> str:
    return f"{size / 1000:.1f} kB" if size >= 10_000 else f"{size:,.0f} B"


def _share(cpu: float) -> str:
    return f"{cpu:.1%}"
