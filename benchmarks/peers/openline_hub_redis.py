"""Two of openline's hubs, a process each, on one Redis of their own."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from benchmarks.peers.job import Job, run
from benchmarks.peers.openline_hub import make_hub, serve

NODES = 2


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """A server on a socket in a folder of its own, nothing kept on disk."""
    with tempfile.TemporaryDirectory(prefix="openline-benchmark-") as folder:
        path = f"{folder}/redis.sock"
        command = ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            try:
                while not os.path.exists(path):
                    if server.poll() is not None:
                        raise SystemExit("redis-server ended at once")
                    time.sleep(0.02)
                yield f"redis+unix://{path}"
            finally:
                server.terminate()


def supervise() -> None:
    """Start the nodes, tell where they are, and end with them."""
    arguments = sys.argv[1:]
    with redis() as url, contextlib.ExitStack() as stack:
        environment = {**os.environ, "BENCHMARK_REDIS": url}
        ports: list[str] = []
        pids: list[str] = []
        for _ in range(NODES):
            command = [sys.executable, "-m", "benchmarks.peers.openline_hub_redis", *arguments]
            node = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
            stack.enter_context(node)
            stack.callback(node.terminate)
            assert node.stdout is not None
            ports.append(node.stdout.readline().split()[-1])
            pids.append(str(node.pid))
        print("listening", *ports, "of", *pids, flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


async def start(job: Job) -> object:
    return await serve(make_hub(os.environ["BENCHMARK_REDIS"]), job)


if "BENCHMARK_REDIS" in os.environ:
    run(start)
else:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    supervise()
