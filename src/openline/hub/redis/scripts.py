"""Lua scripts, which Redis runs at once, from the files beside those who use them."""

from __future__ import annotations

import hashlib
from importlib import resources

__all__ = ["Script", "load"]


class Script:
    """A script that Redis knows by its digest, once it has seen the text.

    Attributes:
        name: For messages.
        text: Its source.
        digest: SHA-1 of the text, in hexadecimal.
        positioned: Its first argument is the server's ``run_id``.
    """

    __slots__ = ("digest", "name", "positioned", "text")

    def __init__(self, name: str, text: str, *, positioned: bool = False) -> None:
        self.name = name
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        self.positioned = positioned


def load(package: str, name: str, *, after: str = "", positioned: bool = False) -> Script:
    """Read ``lua/<name>.lua`` of a package.

    Args:
        package: Whose folder it is.
        name: Of the file.
        after: A file of functions that stands before it; empty: none.
        positioned: See `Script`.
    """
    folder = resources.files(package) / "lua"
    texts = [(folder / f"{part}.lua").read_text(encoding="utf-8") for part in (after, name) if part]
    return Script(name, "\n".join(texts), positioned=positioned)
