"""One cell of the table: one work on one peer, once."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import native
from benchmarks.dialogues import dialogue, token, write_dialogue
from benchmarks.machine import Cores
from benchmarks.payloads import write_messages
from benchmarks.peers import PEERS, Peer
from benchmarks.peers.job import PING_INTERVAL
from benchmarks.server import ServerProcess, engine, pinned
from benchmarks.works import CHROME_DEFLATE, IDLE_BESIDE, Work

#: Longest that the client may take for one cell, in seconds, beside warm-up and measurement.
LIMIT = 60.0

#: Seconds before the lines are cut, so that there is something to recover.
_UNCUT = 2.0


#: Seconds in which the market, or the game, catches up what it was late with while its clients came.
_UNSETTLED = 2.0

#: Of each kind, on inboxes.
_OPERATIONS = 2000

#: Seconds after its last message from which a connection is called idle.
_QUIET = 5.0


_ERRORS = native.BUILD / "logs" / "client.log"


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
        p50_us: Latency: half of the messages were faster. Of a game: how late its ticks began.
        p99_us: All but one in a hundred.
        p999_us: All but one in a thousand.
        wire_bytes: Bytes of a message's frames as the server sent it.
        cpu_share: Of one core that the server took.
        frames: Frames a second, each with the newest of several values.
        merged: Share of the changes that came by a newer one alone.
        import_us: Wall time of loading it.
        open_us: Wall time of opening a document whose history is long, until it is there.
        read_us: Process CPU for reading the newest page of an inbox.
        mark_us: Process CPU for marking one notification read.
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
    cpu_share: float | None = None
    frames: float | None = None
    merged: float | None = None
    import_us: float | None = None
    open_us: float | None = None
    read_us: float | None = None
    mark_us: float | None = None
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
    mode = "idle" if work.mode == "keepalive" else work.mode
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
    return [program, mode, *flags, *(f"--{name}={value}" for name, value in options.items())]


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
    with _beside(work, server, timing):
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


@contextlib.contextmanager
def _beside(work: Work, server: ServerProcess, timing: Timing) -> Iterator[None]:
    """Whoever stands beside what is measured."""
    if not work.beside:
        yield
    elif work.beside == "idle":
        silent = replace(work, mode="idle", connections=IDLE_BESIDE, beside="")
        with _holding(_command(silent, PEERS["limit"], server, timing), server):
            yield
    else:
        command = [sys.executable, "-m", "benchmarks.neighbours", work.beside, str(server.ports[0])]
        with subprocess.Popen(command, cwd=native.FOLDER.parent, stdout=subprocess.PIPE) as neighbour:
            try:
                assert neighbour.stdout is not None
                neighbour.stdout.readline()
                yield
                if neighbour.poll() is not None:
                    raise CellError(f"the neighbour ended with {neighbour.returncode}")
            finally:
                neighbour.kill()


@contextlib.contextmanager
def _holding(command: list[str], server: ServerProcess) -> Iterator[subprocess.Popen[str]]:
    """A client in mode ``idle`` that has opened its connections."""
    with (
        _ERRORS.open("w") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as client,
    ):
        try:
            _await_event(client, "opened", server)
            yield client
        finally:
            client.kill()


def _measure_keepalive(work: Work, peer: Peer, server: ServerProcess, timing: Timing) -> Sample:
    """Over a whole interval, since pings of connections that were opened together come together."""
    with _holding(_command(work, peer, server, timing), server):
        time.sleep(1)
        began, before = time.monotonic(), server.cpu_seconds()
        time.sleep(PING_INTERVAL)
        return Sample(cpu_share=(server.cpu_seconds() - before) / (time.monotonic() - began))


def _measure_import(peer: Peer, cores: Cores) -> Sample:
    """The quickest of five, after one that fills the kernel's caches."""
    program = f"import time; t = time.perf_counter(); {peer.statement}; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", program]
    with pinned(cores.server):
        runs = [subprocess.run(command, capture_output=True, text=True, check=False) for _ in range(6)]
    if any(run.returncode for run in runs):
        raise CellError(runs[0].stderr)
    return Sample(import_us=min(float(run.stdout) for run in runs[1:]) * 1e6)


def _run_in_servers_place(command: list[str], cores: Cores) -> subprocess.CompletedProcess[str]:
    with pinned(cores.server):
        return subprocess.run(
            command,
            cwd=native.FOLDER.parent,
            env={**os.environ, "OPENLINE_ENGINE": engine()},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )


def _measure_client(work: Work, peer: Peer, cores: Cores, timing: Timing) -> Sample:
    """The client runs where servers do otherwise, and the C loop where the client does."""
    with ServerProcess(PEERS["limit"], work, cores.client) as server:
        options = {
            "port": server.ports[0],
            "connections": work.connections,
            "warmup": timing.warmup,
            "duration": timing.duration,
            "loop": peer.loop,
        }
        command = [sys.executable, "-m", f"benchmarks.clients.{peer.client}"]
        command += [f"--{name}={value}" for name, value in options.items()]
        run = _run_in_servers_place(command, cores)
        _check(run.returncode, run.stderr, server)
        result = json.loads(run.stdout)
    messages = result["messages"]
    return Sample(
        cpu_us=result["cpu_seconds"] / messages * 1e6,
        user_us=result["user_seconds"] / messages * 1e6,
        system_us=result["system_seconds"] / messages * 1e6,
        rate=messages / result["seconds"],
    )


def _run_own_client(work: Work, server: ServerProcess, timing: Timing, *flags: str) -> dict[str, Any]:
    """Run the module that is named as the work is."""
    command = [sys.executable, "-m", f"benchmarks.{work.mode}", f"--port={server.ports[0]}", *flags]
    command += [f"--connections={work.connections}", f"--server-pids={','.join(map(str, server.pids))}"]
    command += [f"--warmup={timing.warmup}", f"--duration={timing.duration}"]
    return _run_client(command, server, timing)


def _measure_live(work: Work, server: ServerProcess, timing: Timing) -> Sample:
    """The client itself refuses what is older, what it did not ask for, and a market that moves too slowly."""
    settled = replace(timing, warmup=max(timing.warmup, _UNSETTLED))
    result = _run_own_client(work, server, settled, f"--token={token()}")
    seconds = result["seconds"]
    return Sample(
        cpu_us=result["cpu_seconds"] / result["values"] * 1e6,
        cpu_share=result["cpu_seconds"] / seconds,
        rate=result["values"] / seconds,
        frames=result["frames"] / seconds,
        merged=result["merged"] / (result["merged"] + result["values"]),
        p50_us=result["latency_us"]["p50"],
        p99_us=result["latency_us"]["p99"],
        p999_us=result["latency_us"]["p99.9"],
        wire_bytes=result["bytes_received"] / result["values"],
        client_busy=result["client_cpu_seconds"] / seconds,
    )


def _measure_editing(work: Work, server: ServerProcess, timing: Timing) -> Sample:
    """The client itself refuses what does not come to all, comes twice, or is not what was typed."""
    result = _run_own_client(work, server, timing)
    return Sample(
        cpu_us=result["cpu_seconds"] / result["deliveries"] * 1e6,
        cpu_share=result["cpu_share"],
        rate=result["deliveries"] / result["seconds"],
        p50_us=result["others_us"]["p50"],
        p99_us=result["others_us"]["p99"],
        p999_us=result["others_us"]["p99.9"],
        open_us=result["open_seconds"] * 1e6,
        client_busy=result["client_cpu_share"],
    )


def _measure_game(work: Work, server: ServerProcess, timing: Timing) -> Sample:
    """The client itself refuses a state that does not follow the one before, and a game that is too slow."""
    settled = replace(timing, warmup=max(timing.warmup, _UNSETTLED))
    result = _run_own_client(work, server, settled)
    seconds = result["seconds"]
    return Sample(
        cpu_us=result["cpu_seconds"] / result["states"] * 1e6,
        cpu_share=result["cpu_seconds"] / seconds,
        rate=result["states"] / seconds,
        p50_us=result["lateness_us"]["p50"],
        p99_us=result["lateness_us"]["p99"],
        wire_bytes=result["bytes_received"] / result["states"],
        client_busy=result["client_cpu_seconds"] / seconds,
    )


def _run_inbox(cores: Cores, *options: str) -> None:
    run = _run_in_servers_place([sys.executable, "-m", "benchmarks.inbox", *options], cores)
    if run.returncode:
        raise CellError(run.stderr.strip())


def _measure_inbox(work: Work, cores: Cores) -> Sample:
    """In a file that is filled anew, by a process of its own, so that its memory is not in the figures."""
    with tempfile.TemporaryDirectory(dir=native.BUILD) as folder:
        written = Path(folder) / "results.json"
        options = (f"--file={folder}/inbox.db", f"--users={work.users}", f"--operations={_OPERATIONS}")
        _run_inbox(cores, *options, "--fill")
        _run_inbox(cores, *options, f"--json={written}")
        results = json.loads(written.read_text())["results"]
    return Sample(
        cpu_us=results["append"]["cpu_us"],
        rate=results["append"]["rate"],
        read_us=results["read"]["cpu_us"],
        mark_us=results["mark read"]["cpu_us"],
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
    if work.echoes:
        time.sleep(_QUIET)
    before = _settled(server.memory)
    with _holding(command, server) as client:
        opened = after = _settled(server.memory)
        if work.echoes:
            _tell(client, f"echo {work.echoes}")
            _await_event(client, "echoed", server)
            time.sleep(_QUIET)
            after = _settled(server.memory)
        _tell(client, "stop")
        result = _await_event(client, "result", server)
    return Sample(
        memory=(after - before) / work.connections,
        memory_before=(opened - before) / work.connections if work.echoes else None,
        extensions=result["extensions"],
    )


def _tell(client: subprocess.Popen[str], command: str) -> None:
    assert client.stdin is not None
    client.stdin.write(command + "\n")
    client.stdin.flush()


def _await_event(client: subprocess.Popen[str], name: str, server: ServerProcess) -> dict[str, Any]:
    """The client bounds the time itself, by its --limit."""
    assert client.stdout is not None
    line = client.stdout.readline()
    if not line:
        _check(client.wait() or 1, _ERRORS.read_text(), server)
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
    if work.mode == "import":
        return _measure_import(peer, cores)
    if work.mode == "client":
        return _measure_client(work, peer, cores, timing)
    if work.mode == "inbox":
        return _measure_inbox(work, cores)
    with ServerProcess(peer, work, cores.server) as server:
        if work.mode == "keepalive":
            return _measure_keepalive(work, peer, server, timing)
        if work.mode == "idle":
            return _measure_idle(work, peer, server, timing)
        if work.mode == "live":
            return _measure_live(work, server, timing)
        if work.mode == "editing":
            return _measure_editing(work, server, timing)
        if work.mode == "game":
            return _measure_game(work, server, timing)
        if work.mode == "cut":
            return _measure_cut(work, peer, server, timing)
        return _measure_messages(work, peer, server, timing)
