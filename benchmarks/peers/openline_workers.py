"""``openline serve --workers N``, an echo: processes that share one port."""

import argparse
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def _workers_of(pid: int) -> int:
    return len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def _wait_for(process: subprocess.Popen[bytes], port: int, workers: int) -> None:
    while process.poll() is None:
        # One worker is the process itself.
        if workers == 1 or _workers_of(process.pid) == workers:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                pass
            else:
                return
        time.sleep(0.05)
    raise SystemExit("openline serve ended")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, required=True)
    workers = parser.parse_known_args()[0].workers
    port = _free_port()
    command = [sys.executable, "-m", "openline", "serve", "--workers", str(workers), "--port", str(port)]
    command += ["--no-compress", "--ping-interval", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        signal.signal(signal.SIGTERM, lambda number, frame: process.terminate())
        _wait_for(process, port, workers)
        print("listening", port, flush=True)
        process.wait()


main()
