"""Hash tags, by which a Cluster keeps together what belongs together, and the choice of a shard."""

from __future__ import annotations

import zlib

__all__ = ["shard_of", "tag"]


def tag(prefix: str, name: str) -> bytes:
    """Return ``{prefix:name}``, with which all keys of a channel, a log or a table begin.

    A brace would end the hash tag early, and differently for names that differ only behind it: it is escaped.
    """
    if "}" in name or "%" in name:
        name = name.replace("%", "%25").replace("}", "%7D")
    return f"{{{prefix}:{name}}}".encode("utf-8", "surrogatepass")


def shard_of(channel: bytes, shards: int) -> int:
    """Choose a shard: with one more of them, only that one's share of the channels moves.

    Jump consistent hashing (Lamping and Veach, 2014).
    """
    if shards == 1:
        return 0
    key = zlib.crc32(channel) | zlib.adler32(channel) << 32
    chosen, following = 0, 0
    while following < shards:
        chosen = following
        key = (key * 2862933555777941757 + 1) & 0xFFFFFFFFFFFFFFFF
        following = int((chosen + 1) * (1 << 31) / ((key >> 33) + 1))
    return chosen
