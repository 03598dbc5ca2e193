"""One cell of the table: one work on one peer, once."""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import native
from benchmarks.dialogues import dialogue, write_dialogue
from benchmarks.machine import Cores
from benchmarks.payloads import write_messages
from benchmarks.peers import Peer
from benchmarks.server import ServerProcess
from benchmarks.works import CHROME_DEFLATE, Work

#: Longest that the client may take for one cell, in seconds, beside warm-up and measurement.
LIMIT = 60.0

#: Seconds before the lines are cut, so that there is something to recover.
_UNCUT = 2.0


class CellError(Exception):
    """The client refused what the server did, or the cell took too long."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds not measured, and measured, of works with messages."""

    warmup: float
    duration: float


@dataclass(frozen=True, slots=True)
class Sample:
    """What one cell gave. Fields that the work does not have are None.

    Attributes:
        cpu_us: Server CPU for one unit of the work, user and system, microseconds.
        user_us: Its user part, as the kernel's ticks tell.
        system_us: Its system part.
        rate: Units a second.
        p50_us: Latency: half of the messages were faster.
        p99_us: All but one in a hundred.
        p999_us: All but one in a thousand.
        wire_bytes: Bytes of a message's frames as the server sent it.
        memory: Bytes of one idle connection (proportional set size of the server).
        memory_before: The same before the work's echoes.
        recovered_s: Seconds from the cut of all lines to the last client that had recovered.
        recovered_p50_us: From a client's coming back to its recovery: half were faster.
        published: Messages that were acknowledged, each of which every client had once and in order.
        missed: Deliveries that came by recovery.
        client_busy: Share of the time that the client's core was busy.
        extensions: What was negotiated.
    """

    cpu_us: float | None = None
    user_us: float | None = None
    system_us: float | None = None
    rate: float | None = None
    p50_us: float | None = None
    p99_us: float | None = None
    p999_us: float | None = None
    wire_bytes: float | None = None
    memory: float | None = None
    memory_before: float | None = None
    recovered_s: float | None = None
    recovered_p50_us: float | None = None
    published: float | None = None
    missed: float | None = None
    client_busy: float | None = None
    extensions: str = ""


def _connections(work: Work, server: ServerProcess) -> int:
    return work.connections * (len(server.ports) if work.each_node else 1)


def _command(work: Work, peer: Peer, server: ServerProcess, timing: Timing) -> list[str]:
    messages = write_messages(native.BUILD / "messages", work.payload, work.size)
    options = {
        "port": ",".join(map(str, server.ports)),
        "messages": messages,
        "connections": _connections(work, server),
        "in-flight": work.in_flight,
        "warmup": max(timing.warmup, _UNCUT) if work.mode == "cut" else timing.warmup,
        "duration": timing.duration,
        "limit": LIMIT,
        "server-pids": ",".join(map(str, server.pids)),
    }
    said = dialogue(peer.protocol, work.task) if work.task else None
    if said:
        options["path"] = said.path
        options["dialogue"] = write_dialogue(
            native.BUILD / "dialogues", f"{work.name}-{peer.name}", said.lines
        )
        options["channels"] = work.channels
    if work.deflate:
        options["extensions"] = CHROME_DEFLATE
    flags = [*(["--text"] if work.text else []), *(["--tls"] if work.tls else [])]
    program = str(native.BUILD / "load-client")
    return [program, work.mode, *flags, *(f"--{name}={value}" for name, value in options.items())]


def _check(code: int, errors: str, server: ServerProcess) -> None:
    if code:
        raise CellError(f"{errors.strip()}; server: {server.log_end()}")


def _run_client(command: list[str], server: ServerProcess, timing: Timing) -> dict[str, Any]:
    timeout = LIMIT + timing.warmup + timing.duration + 10
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise CellError(f"the client did not end in {timeout} s") from error
    _check(run.returncode, run.stderr, server)
    return json.loads(run.stdout)


def _check_parameters(work: Work, extensions: str) -> None:
    """Equal means RFC 7692's defaults: 15 bits (7.1.2) and context takeover (7.1.1) both ways."""
    parameters = {part.strip() for part in extensions.split(";")[1:]}
    if work.deflate == "equal" and parameters - {"server_max_window_bits=15", "client_max_window_bits=15"}:
        raise CellError(f"negotiated {extensions!r}, which is not what the other peers have")


def _measure_messages(work: Work, peer: Peer, server: ServerProcess, timing: Timing) -> Sample:
    result = _run_client(_command(work, peer, server, timing), server, timing)
    _check_parameters(work, result["extensions"])
    units = result["messages"] if work.unit != "connection" else work.connections
    latency = result["latency_us"]
    return Sample(
        cpu_us=result["cpu_seconds"] / units * 1e6,
        user_us=result["cpu_user_seconds"] / units * 1e6,
        system_us=result["cpu_system_seconds"] / units * 1e6,
        rate=units / result["seconds"],
        p50_us=latency["p50"],
        p99_us=latency["p99"],
        p999_us=latency["p99.9"],
        wire_bytes=result["bytes_received"] / units if work.unit != "connection" else None,
        client_busy=result["client_cpu_seconds"] / result["seconds"],
        extensions=result["extensions"],
    )


def _measure_cut(work: Work, peer: Peer, server: ServerProcess, timing: Timing) -> Sample:
    """The client itself refuses whatever is lost, doubled or out of order."""
    result = _run_client(_command(work, peer, server, timing), server, timing)
    return Sample(
        cpu_us=result["cpu_seconds"] / result["deliveries"] * 1e6,
        recovered_s=result["recovered_seconds"],
        recovered_p50_us=result["return_us"]["p50"],
        published=result["published"],
        missed=result["missed"],
    )


def _settled(read: Callable[[], int]) -> int:
    """The value once it has not moved by more than 0.2 % for half a second; at most 5 seconds."""
    values = [read()]
    for _ in range(20):
        time.sleep(0.25)
        values.append(read())
        if len(values) > 2 and abs(values[-1] - values[-3]) <= values[-1] / 500:
            break
    return values[-1]


def _warm_up(work: Work, command: list[str], server: ServerProcess) -> None:
    """Ten connections come, echo and go, so that what is loaded or grown once is not counted for the others.

    Where the work has a task, they only come and go.
    """
    brief = ["--connections=10", "--warmup=0", "--duration=0.2"]
    mode = "open" if work.task else "echo"
    _run_client([command[0], mode, *command[2:], *brief], server, Timing(0, 0.2))


def _measure_idle(work: Work, peer: Peer, server: ServerProcess, timing: Timing) -> Sample:
    command = _command(work, peer, server, timing)
    _warm_up(work, command, server)
    before = _settled(server.memory)
    errors = native.BUILD / "logs" / "client.log"
    with (
        errors.open("w") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as client,
    ):
        try:
            _await_event(client, "opened", errors, server)
            opened = _settled(server.memory)
            after = opened
            if work.echoes:
                _tell(client, f"echo {work.echoes}")
                _await_event(client, "echoed", errors, server)
                after = _settled(server.memory)
            _tell(client, "stop")
            result = _await_event(client, "result", errors, server)
        except BaseException:
            client.kill()
            raise
    return Sample(
        memory=(after - before) / work.connections,
        memory_before=(opened - before) / work.connections if work.echoes else None,
        extensions=result["extensions"],
    )


def _tell(client: subprocess.Popen[str], command: str) -> None:
    assert client.stdin is not None
    client.stdin.write(command + "\n")
    client.stdin.flush()


def _await_event(
    client: subprocess.Popen[str], name: str, errors: Path, server: ServerProcess
) -> dict[str, Any]:
    """The client bounds the time itself, by its --limit."""
    assert client.stdout is not None
    line = client.stdout.readline()
    if not line:
        _check(client.wait() or 1, errors.read_text(), server)
    event: dict[str, Any] = json.loads(line)
    if event["event"] != name:
        raise CellError(f"the client said {line!r} where {name!r} was due")
    return event


def measure(work: Work, peer: Peer, cores: Cores, timing: Timing) -> Sample:
    """Start the server, load it, end it. The caller runs on the client's core.

    Raises:
        ServerError: The server did not start, or went.
        CellError: The client refused what came, or time ran out.
    """
    with ServerProcess(peer, work, cores.server) as server:
        if work.mode == "idle":
            return _measure_idle(work, peer, server, timing)
        if work.mode == "cut":
            return _measure_cut(work, peer, server, timing)
        return _measure_messages(work, peer, server, timing)
