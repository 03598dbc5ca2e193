"""The background thread stays for the whole process: what it opens is not a test's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest

from openline.sync import Server, serve
from openline.sync.loop_thread import loop_thread


async def settled() -> None:
    """Wait until the loop has no other task, and has closed what they left."""
    while asyncio.all_tasks() - {asyncio.current_task()}:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _background_thread() -> Iterator[None]:
    loop_thread().run(settled())
    yield
    loop_thread().run(settled())


@contextmanager
def running(handler: Any, **kwargs: Any) -> Iterator[Server]:
    """A server on 127.0.0.1 that serves in a thread of its own."""
    with serve(handler, "127.0.0.1", 0, **kwargs) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
    thread.join()


def uri_of(server: Server, scheme: str = "ws") -> str:
    return f"{scheme}://127.0.0.1:{server.socket.getsockname()[1]}/"
