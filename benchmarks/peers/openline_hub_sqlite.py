"""openline's hub on a SQLite file."""

import atexit
import tempfile
from pathlib import Path

from benchmarks.peers.job import Job, run
from benchmarks.peers.openline_hub import make_hub, serve


async def start(job: Job) -> object:
    folder = tempfile.TemporaryDirectory(prefix="openline-benchmark-")
    atexit.register(folder.cleanup)
    return folder, await serve(make_hub(f"sqlite:///{Path(folder.name) / 'hub.db'}"), job)


run(start)
