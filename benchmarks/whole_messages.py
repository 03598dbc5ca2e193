"""What clients of the benchmarks in Python share: messages of a server, cut out of what was read."""

from __future__ import annotations

from collections.abc import Iterator


class Failure(Exception):
    """What came is not what should."""


def whole_messages(buffer: bytearray, first: int) -> Iterator[bytes]:
    """Take the messages that are whole out of a buffer, and leave the rest in it.

    Args:
        buffer: What was read: frames that are neither masked nor fragmented (RFC 6455 section 5.2).
        first: The byte that each begins with: 0x81 for text, 0x82 for binary.

    Raises:
        Failure: one begins with another byte.
    """
    at = 0
    while len(buffer) - at >= 2:
        size, head = buffer[at + 1], 2
        if size >= 126:
            head = 4 if size == 126 else 10
            size = int.from_bytes(buffer[at + 2 : at + head], "big")
        if len(buffer) - at < head + size:
            break
        if buffer[at] != first:
            raise Failure(f"a frame begins with {buffer[at]:#x}: {bytes(buffer[at : at + 40])!r}")
        yield bytes(buffer[at + head : at + head + size])
        at += head + size
    del buffer[:at]
