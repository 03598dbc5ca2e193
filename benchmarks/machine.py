"""What a run was taken on."""

import os
import platform
import resource
import ssl
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.native import compiler_version
from benchmarks.peers import NODE, Peer
from benchmarks.server import engine


@dataclass(frozen=True, slots=True)
class Cores:
    """Where server and client run; the same core where there is only one."""

    server: int
    client: int


def _siblings(cpu: int) -> set[int]:
    """The logical CPUs of this CPU's physical core."""
    path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
    if not path.exists():
        return {cpu}
    siblings: set[int] = set()
    for part in path.read_text().strip().split(","):
        first, _, last = part.partition("-")
        siblings.update(range(int(first), int(last or first) + 1))
    return siblings


def choose_cores() -> Cores:
    """Two CPUs that this process may use, of different physical cores where there are two."""
    allowed = sorted(os.sched_getaffinity(0))
    server = allowed[0]
    apart = [cpu for cpu in allowed if cpu not in _siblings(server)]
    return Cores(server, (apart or allowed[1:] or allowed)[0])


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def describe(cores: Cores, peers: Iterable[Peer]) -> dict[str, object]:
    """Everything that could change a figure: machine, kernel, versions, commit. Names no host and no user."""
    versions: dict[str, str] = {}
    for peer in peers:
        versions |= peer.versions()
    if any(peer.program in NODE for peer in peers):
        versions["node"] = _output(["node", "--version"])
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    root = Path(__file__).parent.parent
    return {
        "cpu": _cpu_model(),
        "cpus": os.cpu_count(),
        "cores": asdict(cores),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "libc": " ".join(platform.libc_ver()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "openssl": ssl.OPENSSL_VERSION,
        "openline_engine": engine(),
        "compiler": compiler_version(),
        "descriptor_limit": descriptors,
        "commit": _output(["git", "-C", str(root), "describe", "--always", "--dirty"]),
        "versions": dict(sorted(versions.items())),
    }
