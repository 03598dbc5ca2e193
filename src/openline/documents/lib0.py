"""The primitives of lib0, in which everything of Yjs is encoded: numbers, and bytes behind their length.

All of it reads what strangers send: each read is checked against what is there, and nothing is copied or allocated
that was only announced.
"""

from __future__ import annotations

__all__ = ["MAX_SAFE_INTEGER", "Malformed", "read_bytes", "read_number", "write_bytes", "write_number"]

MAX_SAFE_INTEGER = 2**53 - 1
"""The largest number that JavaScript holds exactly; its decoder refuses more, and so does this one."""


class Malformed(Exception):
    """What came is not what it should be. The text says in which way; it is for logs."""


def read_number(data: bytes, at: int) -> tuple[int, int]:
    """Read a number: seven bits a byte, the lowest first; the eighth says that more follow.

    Args:
        data: Where it stands.
        at: From which byte on.

    Returns:
        The number, and where the next thing begins.

    Raises:
        Malformed: it does not end, or is above `MAX_SAFE_INTEGER`.
    """
    number = shift = 0
    try:
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 49:
                break
    except IndexError:
        raise Malformed("a number does not end") from None
    if byte >= 0x80 or number > MAX_SAFE_INTEGER:
        raise Malformed("a number is too large")
    return number, at


def write_number(number: int) -> bytes:
    """Encode a number that is not negative."""
    if number < 0x80:
        return number.to_bytes(1, "little")
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    """Read bytes behind their length.

    Returns:
        The bytes, and where the next thing begins.

    Raises:
        Malformed: there are fewer.
    """
    length, at = read_number(data, at)
    end = at + length
    if end > len(data):
        raise Malformed(f"{length} bytes are announced, and {len(data) - at} are there")
    return data[at:end], end


def write_bytes(data: bytes) -> bytes:
    """Encode bytes behind their length."""
    return write_number(len(data)) + data
