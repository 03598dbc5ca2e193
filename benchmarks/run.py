"""The command: every work on every peer, in interleaved rounds."""

import argparse
import os
import resource
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks import native, report
from benchmarks.cell import CellError, Timing, measure
from benchmarks.machine import Cores, choose_cores, describe
from benchmarks.peers import NODE, PEERS, Peer, find
from benchmarks.plots import to_svg
from benchmarks.server import ServerError, pinned
from benchmarks.works import WORKS, Work

#: Descriptors of the client and of the server beside their connections.
_SPARE_DESCRIPTORS = 100


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures openline beside its peers; server on one core, load client on another.",
        epilog="example: python -m benchmarks --work echo64,fanout64 --peers openline-listener,picows,limit --rounds 5",
    )
    peers = f"comma-separated, of: {', '.join(PEERS)}; NAME@asyncio and NAME@uvloop choose the loop (all)"
    parser.add_argument("--work", default="", help=f"comma-separated, of: {', '.join(WORKS)} (all)")
    parser.add_argument("--peers", default="", help=peers)
    parser.add_argument("--rounds", type=int, default=5, help="of which the median is taken (5)")
    parser.add_argument("--duration", type=float, default=2.0, help="seconds measured in each cell (2)")
    parser.add_argument("--warmup", type=float, default=0.5, help="seconds before them (0.5)")
    parser.add_argument(
        "--results", type=Path, default=native.FOLDER / "results", help="folder for what is written"
    )
    return parser.parse_args(arguments)


def _choose_works(names: str) -> list[Work]:
    chosen = [name for name in names.split(",") if name]
    for name in chosen:
        if name not in WORKS:
            raise SystemExit(f"no such work: {name}; there are: {', '.join(WORKS)}")
    return [work for name, work in WORKS.items() if not chosen or name in chosen]


def _choose_peers(names: str) -> list[Peer]:
    chosen = [name for name in names.split(",") if name]
    try:
        return [find(name) for name in chosen] or list(PEERS.values())
    except KeyError as error:
        raise SystemExit(f"no such peer: {error}; there are: {', '.join(PEERS)}") from error


def _present(peers: list[Peer], console: Console) -> list[Peer]:
    """Those that are installed; says which are left out."""
    present: list[Peer] = []
    for peer in peers:
        missing = peer.missing()
        if missing:
            console.print(f"left out: {peer.name}, since {missing} is not installed")
        elif peer.program not in NODE or native.node_modules(peer.program):
            present.append(peer)
    return present


def _does(peer: Peer, work: Work) -> bool:
    if peer.name in work.also:
        return True
    if work.mode == "client":
        return bool(peer.client)
    if work.mode == "import":
        return bool(peer.statement)
    if work.task:
        return work.task in peer.tasks
    return peer.frames and not work.needs & peer.lacks


def _plan(works: list[Work], peers: list[Peer], console: Console) -> list[tuple[Work, list[Peer]]]:
    """What can be done here, in order; says what cannot."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    plan: list[tuple[Work, list[Peer]]] = []
    for work in works:
        if work.all_connections + _SPARE_DESCRIPTORS > descriptors:
            console.print(f"left out: {work.name}, since the descriptor limit is {descriptors} (ulimit -n)")
            continue
        if work.tls and not native.has_tls():
            console.print(f"left out: {work.name}, since OpenSSL's headers are missing (libssl-dev)")
            continue
        if work.deflate and not native.has_deflate():
            console.print(f"left out: {work.name}, since zlib's headers are missing (zlib1g-dev)")
            continue
        chosen = {peer.name for peer in peers}
        also = [find(name) for name in work.also if name.partition("@")[0] in chosen and name not in chosen]
        able = [peer for peer in (*peers, *also) if _does(peer, work)]
        if able:
            plan.append((work, able))
    return plan


def _raise_descriptor_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _run_all(
    plan: list[tuple[Work, list[Peer]]],
    results: report.Results,
    cores: Cores,
    timing: Timing,
    console: Console,
) -> None:
    """A B C A B C ... for each work, so that whatever the machine does meanwhile meets all peers alike."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    total = sum(len(peers) for _, peers in plan) * results.rounds
    # Drawn seldom: it runs on the client's core.
    with Progress(*columns, console=console, refresh_per_second=2) as progress:
        task = progress.add_task("", total=total)
        for work, peers in plan:
            for _ in range(results.rounds):
                for peer in peers:
                    progress.update(task, description=f"{work.name} {peer.name}")
                    if peer.name not in results.failures.get(work.name, {}):
                        try:
                            results.add(work, peer, measure(work, peer, cores, timing))
                        except (CellError, ServerError) as error:
                            results.fail(work, peer, str(error))
                            console.print(f"{work.name}, {peer.name}: {error}", style="red", markup=False)
                    progress.advance(task)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks and print the table.

    Returns:
        0; 1 when a cell failed.
    """
    options = _parse(arguments)
    console = Console()
    works, peers = _choose_works(options.work), _choose_peers(options.peers)
    try:
        native.build()
    except native.BuildError as error:
        console.print(str(error), style="red", markup=False)
        return 1
    _raise_descriptor_limit()
    cores = choose_cores()
    if cores.server == cores.client:
        console.print(
            "one core only: client and server disturb each other, and only the CPU figures mean anything"
        )
    peers = _present(peers, console)
    plan = _plan(works, peers, console)
    if not plan:
        console.print("nothing to measure")
        return 1
    results = report.Results(
        machine=describe(cores, peers),
        settings={peer.name: peer.settings for peer in peers},
        started=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        rounds=options.rounds,
        duration=options.duration,
    )
    with pinned(cores.client):
        _run_all(plan, results, cores, Timing(options.warmup, options.duration), console)
    as_json, as_markdown = report.write(results, options.results)
    if picture := to_svg(results):
        as_markdown.with_suffix(".svg").write_text(picture)
    if sys.stdout.isatty():
        console.print(Markdown(as_markdown.read_text()))
    else:
        print(as_markdown.read_text())
    print(f"written: {os.path.relpath(as_json)}, {os.path.relpath(as_markdown)}")
    return 1 if results.failures else 0
