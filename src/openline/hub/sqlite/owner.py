"""A file has one owner. The lock is a file beside it, which holds the owner's process id."""

from __future__ import annotations

import fcntl
import os

__all__ = ["AlreadyOwned", "Owner"]


class AlreadyOwned(Exception):
    """Somebody else has the file."""


class Owner:
    """The lock on ``<path>-lock``, from now until `release`; the kernel ends it with the process, however that ends.

    The lock file stays where it is: to remove it could take it from under somebody who is just locking it.

    Raises:
        AlreadyOwned: Another has it; names file and process.
        OSError: The lock file cannot be made.
    """

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(f"{path}-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
                raise AlreadyOwned(
                    f"{path} is in use by process {owner}: one process owns a SQLite file; several need redis://"
                ) from None
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)
        except BaseException:
            os.close(self._descriptor)
            raise

    def release(self) -> None:
        """Give the file up. Not to be called twice."""
        os.close(self._descriptor)
