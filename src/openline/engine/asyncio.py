"""Which engine serves a loop."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from openline.engine.portable_engine import PortableEngine

if TYPE_CHECKING:
    from openline.engine.base import Engine

__all__ = ["of"]


def of(loop: asyncio.AbstractEventLoop | None = None) -> Engine:
    """Return the engine of a loop: the native one where it can be, else the portable one.

    The environment decides otherwise: ``OPENLINE_ENGINE`` is ``native`` or ``portable``, and ``OPENLINE_PURE=1``
    forbids all native code. An engine lives as long as its loop has listeners and connections, or somebody holds it.

    Args:
        loop: The loop. None: the one that is running.

    Raises:
        RuntimeError: the native engine is demanded and cannot be had; or no loop is running.
    """
    if loop is None:
        loop = asyncio.get_running_loop()
    reference = _engines.get(loop)
    engine = reference() if reference is not None else None
    if engine is None:
        engine = _choose(loop)
        _engines[loop] = weakref.ref(engine)
    return engine


def _choose(loop: asyncio.AbstractEventLoop) -> Engine:
    wanted = os.environ.get("OPENLINE_ENGINE", "")
    if wanted not in ("", "native", "portable"):
        raise RuntimeError(f"OPENLINE_ENGINE must be native or portable, not {wanted!r}")
    make_native = None if wanted == "portable" else _native()
    if make_native is not None and _has_readers(loop):
        return make_native(loop)
    if wanted == "native":
        reason = "is not built, or forbidden" if make_native is None else f"does not work on {loop!r}"
        raise RuntimeError(f"OPENLINE_ENGINE=native, but the native engine {reason}")
    return PortableEngine(loop)


def _native() -> Callable[[asyncio.AbstractEventLoop], Engine] | None:
    if os.environ.get("OPENLINE_PURE", "") not in ("", "0"):
        return None
    try:
        from openline.engine.native.engine import NativeEngine  # pyright: ignore
    except ImportError:
        return None
    return NativeEngine  # pyright: ignore


def _has_readers(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether `loop.add_reader` works: it does not on the proactor loop of Windows, nor on some foreign loops."""
    try:
        loop.remove_reader(0)
    except (NotImplementedError, OSError, ValueError):
        return False
    return True


_engines: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[Engine]] = (
    weakref.WeakKeyDictionary()
)
