"""The server's process is killed: what came back to who wrote it is there when it is started anew."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from .editing import Peer, editor

SERVER = """
import asyncio, sys
import openline
from openline.hub.stores.sqlite import SQLiteStore
from tests.documents.editing import made, writable

async def main():
    documents = writable(made(SQLiteStore(sys.argv[1]), compact_entries=7, update_rate=None, byte_rate=None))
    async with await openline.serve(documents, "127.0.0.1", int(sys.argv[2])) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

asyncio.run(main())
"""


async def started(path: Path, port: int = 0) -> tuple[asyncio.subprocess.Process, int]:
    """A server in a process of its own, on a file."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, str(path), str(port), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    return process, int(await process.stdout.readline())


async def killed(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGKILL)
    await process.wait()


async def test_what_anybody_has_seen_is_never_lost(tmp_path: Path) -> None:
    path = tmp_path / "file.db"
    seen = ""
    for turn in range(4):
        process, port = await started(path)
        url = f"ws://127.0.0.1:{port}/documents/a"
        writer, witness = Peer(), Peer()
        await writer.connect(url)
        await witness.connect(url)
        await witness.until(lambda witness=witness: witness.synced)
        assert seen in str(witness.text), "of before"
        for number in range(40 + 13 * turn):
            writer.text.insert(0, f"{turn}.{number} ")
        await witness.until(lambda witness=witness, turn=turn: f"{turn}.{30 + turn} " in str(witness.text))
        seen = str(witness.text)  # and more may be on its way
        await killed(process)
        await asyncio.gather(writer.gone(), witness.gone())


async def test_who_wrote_brings_back_what_was_not_stored(tmp_path: Path) -> None:
    path = tmp_path / "file.db"
    process, port = await started(path)
    url = f"ws://127.0.0.1:{port}/documents/a"
    writer = Peer()
    await writer.connect(url)
    await writer.until(lambda: writer.synced)
    for number in range(200):
        writer.text.insert(0, f"{number} ")
    await killed(process)
    await writer.gone()
    for number in range(200, 210):
        writer.text.insert(0, f"{number} ")
    process, port = await started(path)
    url = f"ws://127.0.0.1:{port}/documents/a"
    await writer.connect(url)
    async with editor(url) as other:
        await other.until(lambda: str(other.text) == str(writer.text))
        assert all(f"{number} " in str(other.text) for number in range(210))
    await writer.close()
    await killed(process)
