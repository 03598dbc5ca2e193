"""Patches in the delta format of the Fossil version control system.

A delta turns a base into a target::

    SIZE \\n            bytes of the target
    COUNT @ OFFSET ,    copy so many bytes of the base from there          these two in any
    COUNT : BYTES       insert these bytes                                 number and order
    CHECKSUM ;          of the target: its big-endian 32-bit words, summed modulo 2**32, the last filled with zeros

Numbers are in base 64, without leading zeros, in the digits of `_DIGITS`.
"""

from __future__ import annotations

import re
import sys
from array import array

__all__ = ["MAX_SEARCHED", "MAX_SIZE", "apply_delta", "create_delta"]

MAX_SIZE = 256 * 1024
"""Of larger payloads, in bytes, no delta is made: they are sent full."""

MAX_SEARCHED = 8 * 1024
"""Where more bytes than these lie between the first and the last difference they are inserted as they are: the search
for parts of the base among them runs on the event loop, for some 2 ms at this bound."""

_DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
_NUMBER = re.compile(rb"0|[1-9A-Za-z_~][0-9A-Za-z_~]{0,5}")  # below 2**36

_BLOCK = 16  # shorter parts of the base are not found; a copy costs some 6 bytes
_SHORTEST = 5  # to insert less than this is not longer than to copy it
_INDEXED = 64 * 1024  # bytes of the base


def _number(value: int) -> bytes:
    if value < 64:
        return _DIGITS[value : value + 1]
    digits = bytearray()
    while value:
        digits.append(_DIGITS[value & 63])
        value >>= 6
    digits.reverse()
    return bytes(digits)


def _checksum(data: bytes) -> int:
    words = array("I", data + bytes(-len(data) % 4))
    if sys.byteorder == "little":
        words.byteswap()
    return sum(words) & 0xFFFFFFFF


def _same_after(a: bytes, i: int, b: bytes, j: int) -> int:
    """Count the bytes that are the same from ``a[i]`` and ``b[j]`` on; takes time in proportion to that count."""
    most = min(len(a) - i, len(b) - j)
    same, step = 0, _BLOCK
    while step:
        end = same + step
        if end <= most and a.startswith(b[j + same : j + end], i + same):
            same, step = end, step * 2
        else:
            most = min(most, end - 1)
            step = min(step, most - same + 1) // 2
    return same


def _same_before(a: bytes, i: int, b: bytes, j: int, most: int) -> int:
    """Count the bytes, at most ``most``, that are the same before ``a[i]`` and ``b[j]``."""
    same, step = 0, _BLOCK
    while step:
        end = same + step
        if end <= most and a.startswith(b[j - end : j - same], i - end):
            same, step = end, step * 2
        else:
            most = min(most, end - 1)
            step = min(step, most - same + 1) // 2
    return same


def _copies(base: bytes, target: bytes, start: int, end: int) -> list[tuple[int, int, int]]:
    """Find parts of the base in ``target[start:end]``: lists of (place in target, offset in base, count), in order."""
    blocks: dict[bytes, int] = {}
    for offset in range(min(len(base), _INDEXED) // _BLOCK * _BLOCK - _BLOCK, -1, -_BLOCK):
        blocks[base[offset : offset + _BLOCK]] = offset
    found: list[tuple[int, int, int]] = []
    done = position = start
    shift = 0  # where the last copy came from, relative to its place
    middle = target[:end]
    while position <= end - _BLOCK:
        block = target[position : position + _BLOCK]
        offset = blocks.get(block)
        if offset is None:
            position += 1
            continue
        # Where blocks repeat, the one that continues what was copied before is likely to be the right one.
        if shift and base.startswith(block, position + shift) and position + shift >= 0:
            offset = position + shift
        before = _same_before(base, offset, target, position, min(position - done, offset))
        after = _same_after(base, offset, middle, position)
        found.append((position - before, offset - before, before + after))
        done = position = position + after
        shift = offset - (position - after)
    return found


def create_delta(base: bytes, target: bytes, *, text: bool = False) -> bytes | None:
    """Make a delta from base to target.

    Args:
        base: What the receiver has.
        target: What it shall have.
        text: Both are UTF-8, and so shall the delta be: characters are not cut.

    Returns:
        None: one of them is larger than `MAX_SIZE`. A delta may well be larger than the target.
    """
    if len(base) > MAX_SIZE or len(target) > MAX_SIZE:
        return None
    start = _same_after(base, 0, target, 0)
    most = min(len(base), len(target)) - start
    tail = _same_before(base, len(base), target, len(target), most)
    end = len(target) - tail

    copies = [(0, 0, start)]
    if _BLOCK * 2 <= end - start <= MAX_SEARCHED:
        copies += _copies(base, target, start, end)
    copies.append((end, len(base) - tail, tail))

    parts = [_number(len(target)), b"\n"]
    done = 0
    for place, offset, count in copies:
        stop = place + count
        if text:
            while place < stop and target[place] & 0xC0 == 0x80:
                place, offset = place + 1, offset + 1
            while stop > place and stop < len(target) and target[stop] & 0xC0 == 0x80:
                stop -= 1
        count = stop - place
        if count < _SHORTEST:
            continue
        if place > done:
            parts += (_number(place - done), b":", target[done:place])
        parts += (_number(count), b"@", _number(offset), b",")
        done = stop
    if done < len(target):
        parts += (_number(len(target) - done), b":", target[done:])
    parts += (_number(_checksum(target)), b";")
    return b"".join(parts)


def apply_delta(base: bytes, delta: bytes) -> bytes:
    """Make the target out of the base; takes deltas of any encoder.

    Raises:
        ValueError: the delta is malformed, or was made for another base.
    """
    position = 0

    def number() -> int:
        nonlocal position
        digits = _NUMBER.match(delta, position)
        if digits is None:
            raise ValueError(f"a number is missing at byte {position} of the delta")
        position = digits.end()
        value = 0
        for digit in digits[0]:
            value = value * 64 + _VALUES[digit]
        return value

    def mark() -> bytes:
        nonlocal position
        position += 1
        return delta[position - 1 : position]

    size = number()
    if mark() != b"\n":
        raise ValueError("the size of the target does not end with a newline")
    target = bytearray()
    while True:
        value = number()
        kind = mark()
        if kind == b"@":
            offset = number()
            if mark() != b",":
                raise ValueError("a copy does not end with a comma")
            if offset + value > len(base):
                raise ValueError("a copy goes beyond the end of the base")
            part = base[offset : offset + value]
        elif kind == b":":
            if position + value > len(delta):
                raise ValueError("an insert goes beyond the end of the delta")
            part = delta[position : position + value]
            position += value
        elif kind == b";":
            break
        else:
            raise ValueError(f"there is no command {kind!r} in a delta")
        if len(target) + len(part) > size:
            raise ValueError("the target is larger than announced")
        target += part
    if position != len(delta):
        raise ValueError("there is something behind the end of the delta")
    if len(target) != size:
        raise ValueError("the target is smaller than announced")
    result = bytes(target)
    if value != _checksum(result):
        raise ValueError("the checksum of the target differs")
    return result
