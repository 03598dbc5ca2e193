"""Counts the instructions of single calls, where callgrind runs this process."""

from __future__ import annotations

import ctypes
import shlex
import sysconfig
from collections.abc import Callable
from pathlib import Path

from benchmarks import native

FOLDER = Path(__file__).parent


def build() -> Path:
    """Build what speaks to callgrind, unless it is newer than its source.

    Returns:
        A shared library.

    Raises:
        BuildError: No compiler, or the headers of Python or valgrind are missing.
    """
    options = ["-shared", "-fPIC", "-I", sysconfig.get_path("include")]
    return native.compile_c("cc", "counting.so", [FOLDER / "counting.c"], options)


def compiler_of_python() -> str:
    """The compiler and the flags that native modules of this Python are built with."""
    return shlex.join(shlex.split(f"{sysconfig.get_config_var('CC')} {sysconfig.get_config_var('CFLAGS')}"))


class Counter:
    """Instructions in user space of what passes through `call`, gathered under a name.

    From its making on callgrind looks at all that runs, which is slow, and counts nothing else.

    Args:
        library: What `build` returned.
    """

    def __init__(self, library: Path) -> None:
        self._library = ctypes.PyDLL(str(library))
        self._library.count_call.argtypes = [ctypes.py_object]
        self._library.count_call.restype = ctypes.py_object
        self._library.write_count.argtypes = [ctypes.c_char_p]
        # Once and for all: callgrind loses its place when it is told to stop and to begin again.
        self._library.begin_counting()

    def call(self, function: Callable[[], object]) -> None:
        """Call it, and count what that took."""
        self._library.count_call(function)

    def write(self, name: str) -> None:
        """Write down what was counted since the last time, under this name."""
        self._library.write_count(name.encode())
