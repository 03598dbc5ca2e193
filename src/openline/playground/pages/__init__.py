"""The pages of the playground: their paths, and the server code of each, which the page shows beside itself."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

PATHS = {
    "/": "start",
    **{
        f"/{name}": name
        for name in ("chat", "live", "editing", "game", "notifications", "comparison", "security")
    },
}


def modules() -> dict[str, ModuleType]:
    """Return the pages' modules by name."""
    return {
        name: import_module(f"{__name__}.{name}")
        for name in PATHS.values()
        if find_spec(f"{__name__}.{name}") is not None
    }
