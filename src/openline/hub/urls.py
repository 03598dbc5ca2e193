"""URLs of brokers and stores: which module opens them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import ModuleType

__all__ = ["import_backend", "refuse_rest", "scheme_of", "sqlite_path"]


def scheme_of(url: str, known: Mapping[str, object], what: str) -> str:
    """Return the scheme of a URL.

    Args:
        url: The URL.
        known: The schemes that there are.
        what: Of what, for the error.

    Raises:
        ValueError: It has none of the schemes.
    """
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in known:
        # What stands behind the scheme may hold a password.
        shown = f"{scheme}://" if separator else "what has no scheme"
        raise ValueError(f"no {what} for {shown}; there are {', '.join(f'{name}://' for name in known)}")
    return scheme


def import_backend(module: str, needs: str, extra: str) -> ModuleType:
    """Import the module of a backend.

    Args:
        module: Its name.
        needs: The package that it stands on, which may be missing.
        extra: The extra of openline that brings the package.

    Raises:
        ImportError: The package is missing; says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != needs:
            raise
        raise ImportError(f"{needs} is not installed: pip install 'openline[{extra}]'", name=needs) from error


def refuse_rest(url: str) -> None:
    """Make sure that nothing stands behind ``://``.

    Raises:
        ValueError: Something does.
    """
    scheme, _, rest = url.partition("://")
    if rest:
        raise ValueError(f"{scheme}:// takes nothing behind it, but there is {rest!r}")


def sqlite_path(url: str) -> str:
    """Return the path of a ``sqlite:///`` URL: relative behind three slashes, absolute behind four.

    Raises:
        ValueError: It is none.
    """
    _, _, rest = url.partition("://")
    path = rest.removeprefix("/")
    if path == rest or not path:
        raise ValueError(
            f"{url!r} names no file: sqlite:///chat.db is one in this folder, sqlite:////srv/chat.db has a full path"
        )
    if "?" in path or path == ":memory:":
        raise ValueError(f"{url!r}: a file's path is all that may follow; memory:// keeps nothing")
    return path
