"""The comparison on the terminal, as a table: ``python -m openline.playground.comparison``."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
from pathlib import Path

from openline.playground.comparison.figures import Figures, Window
from openline.playground.comparison.rig import Rig
from openline.playground.comparison.settings import TECHNIQUES, Settings
from openline.playground.comparison.verdicts import NAMES
from openline.playground.ports import ReservedPort

TECHNIQUES_MODULE = "openline.playground.pages.comparison"


async def measure(settings: Settings, seconds: float) -> tuple[dict[str, Figures | None], Rig]:
    """Measure for some seconds."""
    ports = {technique: ReservedPort("127.0.0.1") for technique in TECHNIQUES}
    try:
        sockets = {technique: port.open() for technique, port in ports.items()}
        rig = await Rig.start(sockets, TECHNIQUES_MODULE, 0, settings)
        try:
            windows = {technique: Window() for technique in TECHNIQUES}
            await asyncio.sleep(2.0)  # until all clients are there
            await rig.sample()
            for wait in (0.0, seconds):
                await asyncio.sleep(wait)
                for technique, sample in (await rig.sample()).items():
                    windows[technique].add(sample)
            return {technique: window.figures() for technique, window in windows.items()}, rig
        finally:
            await rig.close()
    finally:
        for port in ports.values():
            port.close()


def table(figures: dict[str, Figures | None]) -> str:
    """Write the figures as a table of Markdown."""
    lines = [
        "| | bytes a message | latency, median | 99 % | requests a second | CPU of the server | CPU a message |",
        "|---|---|---|---|---|---|---|",
    ]
    for technique, seen in figures.items():
        if seen is None or seen.latency is None or seen.latency_99 is None:
            lines.append(f"| {NAMES[technique]} | nothing came | | | | | |")
            continue
        lines.append(
            f"| {NAMES[technique]} | {seen.bytes_per_message or 0:,.0f} | {seen.latency:.2f} ms "
            f"| {seen.latency_99:.2f} ms | {seen.requests:.1f} | {seen.cpu:.1%} | {seen.cpu_per_message or 0:.0f} µs |"
        )
    return "\n".join(lines)


def machine() -> str:
    """Describe what this was measured on."""
    info = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    cpu = model[1] if model else platform.processor() or platform.machine()
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores of {cpu}, {system}"


def main() -> None:
    """Measure as the command line says, and print."""
    parser = argparse.ArgumentParser(prog="python -m openline.playground.comparison", description=__doc__)
    own = Settings()
    parser.add_argument("--rate", type=float, default=own.rate, help="messages a second")
    parser.add_argument("--size", type=int, default=own.size, help="bytes of a message")
    parser.add_argument("--clients", type=int, default=own.clients, help="clients of each technique")
    parser.add_argument(
        "--every", type=float, default=own.every, help="seconds between two polls of a client"
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="how long it is measured")
    chosen = vars(parser.parse_args())
    seconds = chosen.pop("seconds")
    settings = own.changed(chosen)
    figures, rig = asyncio.run(measure(settings, seconds))
    software = ", ".join(dict.fromkeys(rig.software.values()))
    print(
        f"{settings.rate:g} messages a second of {settings.size} bytes, {settings.clients} clients of each technique, "
        f"a poll every {settings.every:g} s; {software}, all on {rig.loop}.\n{machine()}.\n"
    )
    print(table(figures))
    print("\n| one question, one answer | bytes | time |\n|---|---|---|")
    for name, way in rig.once.items():
        print(f"| {name} | {way.bytes:,} | {way.milliseconds:.2f} ms |")


if __name__ == "__main__":
    main()
