"""Where the command line keeps files of its own, by the customs of the platform."""

import os
import sys
from pathlib import Path


def cache_directory() -> Path:
    """Return the directory for what can be made again; it may not exist yet."""
    return _directory("XDG_CACHE_HOME", ".cache", "Library/Caches")


def state_directory() -> Path:
    """Return the directory for what one run leaves for the next; it may not exist yet."""
    return _directory("XDG_STATE_HOME", ".local/state", "Library/Application Support")


def _directory(variable: str, unix: str, macos: str) -> Path:
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = Path.home() / macos
    else:
        given = os.environ.get(variable, "")
        # Relative paths are to be ignored, says the XDG base directory specification.
        base = Path(given) if given.startswith("/") else Path.home() / unix
    return base / "openline"
