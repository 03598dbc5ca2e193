"""Drops the compressors of connections that have grown quiet: most of what these would weigh.

A compressor may start from an empty window at any time (RFC 7692 section 7.2.1), so that nothing but some bytes of the
next message is lost. What inflates has to stay.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openline.protocol.extensions.permessage_deflate import PerMessageDeflate

__all__ = ["QUIET", "drop_when_quiet"]

QUIET = 2.0
"""Seconds: a compressor that was not used for so long is dropped, at the latest after twice that."""


def drop_when_quiet(deflate: PerMessageDeflate) -> None:
    """Have this connection's compressor dropped whenever it was not used for some time.

    Call it in the connection's loop. It costs a flag for each message, and one timer for each loop, which runs only
    while there are compressors.
    """
    loop = asyncio.get_running_loop()
    sweeper = _sweepers.get(loop)
    if sweeper is None:
        sweeper = _sweepers[loop] = _Sweeper(loop)
    deflate.on_compressor = sweeper.watch


class _Sweeper:
    """Looks after the compressors of a loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._watched: dict[int, weakref.ref[PerMessageDeflate]] = {}
        self._waiting = False
        # One bound method for all connections.
        self.watch = self._watch

    def _watch(self, deflate: PerMessageDeflate) -> None:
        # The number may have been another's, who is gone.
        self._watched[id(deflate)] = weakref.ref(deflate)
        if not self._waiting:
            self._wait()

    def _wait(self) -> None:
        loop = self._loop()
        if loop is not None and not loop.is_closed():
            self._waiting = True
            loop.call_later(QUIET, self._sweep)

    def _sweep(self) -> None:
        self._waiting = False
        for number, reference in list(self._watched.items()):
            deflate = reference()
            if deflate is None or deflate.drop_unused():
                del self._watched[number]
        if self._watched:
            self._wait()


_sweepers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Sweeper] = weakref.WeakKeyDictionary()
