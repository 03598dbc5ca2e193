"""What a client that was away gets: all that it missed, or the word that it cannot be had. Never a part.

Pure functions on what the broker's stream holds.
"""

from __future__ import annotations

from typing import NamedTuple

from openline.hub.publication import Publication, StreamPosition

__all__ = ["Recovery", "recover_cache", "recover_stream"]


class Recovery(NamedTuple):
    """What came of it.

    Attributes:
        recovered: The client has, with ``publications``, everything.
        publications: What it missed, in order; empty where it cannot be recovered.
        position: What the client is told as its position: its own where it has recovered, else the top.
    """

    recovered: bool
    publications: list[Publication]
    position: StreamPosition


def recover_stream(
    since: StreamPosition,
    publications: list[Publication],
    top: StreamPosition,
    *,
    most: int,
    most_bytes: int,
) -> Recovery:
    """Decide for a client that was at ``since``.

    Args:
        since: Where the client was; an empty epoch stands for any.
        publications: What the stream still holds after that, in order.
        top: The stream's position.
        most: Publications that may be recovered.
        most_bytes: The same in bytes of their data.
    """
    lost = Recovery(False, [], top)
    if since.epoch not in ("", top.epoch) or since.offset > top.offset:
        return lost
    missed = top.offset - since.offset
    if missed > most or len(publications) != missed:
        return lost
    if any(one.offset != since.offset + at for at, one in enumerate(publications, 1)):
        return lost
    if sum(len(one.data) for one in publications) > most_bytes:
        return lost
    return Recovery(True, publications, StreamPosition(since.offset, top.epoch))


def recover_cache(since: StreamPosition | None, newest: Publication | None, top: StreamPosition) -> Recovery:
    """Decide for a channel of which only the newest publication matters.

    Args:
        since: Where the client was; None: it was never here.
        newest: The newest publication; None: there is none.
        top: The stream's position.
    """
    if since is not None and since == top:
        return Recovery(True, [], top)
    if newest is None:
        return Recovery(False, [], top)
    return Recovery(True, [newest], top)
