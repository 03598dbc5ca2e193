"""The standard input, line by line, without blocking the event loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator

# Lines read ahead of the network; the writer of the pipe waits when there are more.
READ_AHEAD = 64
_CHUNK = 64 * 1024


class Unsendable(Exception):
    """The input is nothing that can be sent; the text says why."""


async def read_lines(descriptor: int, limit: int | None) -> AsyncIterator[bytes]:
    """Yield the lines of a descriptor, without their ends (LF or CR LF).

    A thread reads, since neither files nor Windows' pipes can be awaited. It is a daemon: a standard input
    that never ends does not keep the process alive. It reads the bare descriptor for the same reason; with
    `sys.stdin` it would hold a lock that the ending interpreter needs.

    Args:
        descriptor: What to read from.
        limit: Longest line in bytes; None: no limit.

    Raises:
        Unsendable: a line is longer than ``limit``.
        OSError: the descriptor cannot be read.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
    space = threading.Semaphore(READ_AHEAD)

    def pass_on(item: bytes | Exception | None) -> None:
        space.acquire()
        loop.call_soon_threadsafe(lines.put_nowait, item)

    def read() -> None:
        try:
            try:
                for line in _split(descriptor, limit):
                    pass_on(line)
            except (OSError, Unsendable) as exc:
                pass_on(exc)
            pass_on(None)
        except RuntimeError:
            pass  # the loop is closed: nobody wants the rest

    threading.Thread(target=read, name="openline-stdin", daemon=True).start()
    while (item := await lines.get()) is not None:
        space.release()
        if isinstance(item, Exception):
            raise item
        yield item


def _split(descriptor: int, limit: int | None) -> Iterator[bytes]:
    rest = bytearray()
    while chunk := os.read(descriptor, _CHUNK):
        *complete, tail = chunk.split(b"\n")
        for line in complete:
            rest += line
            _check_length(rest, limit)
            yield bytes(rest.removesuffix(b"\r"))
            rest.clear()
        rest += tail
        _check_length(rest, limit)
    if rest:
        yield bytes(rest)


def _check_length(line: bytearray, limit: int | None) -> None:
    if limit is not None and len(line) > limit:
        raise Unsendable(f"a line of the input is longer than {limit} bytes (--max-size)")
