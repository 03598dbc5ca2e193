"""What an entity says of itself, as whole numbers: what is not on the wire cannot differ there.

A field turns a value into what is compared and sent: a number into steps of its range, an angle into a part of the
circle, a text into bytes. Two values of one step are the same to all who look.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

__all__ = ["MAX_TEXT", "Field", "Shape", "angle", "flag", "integer", "number", "text"]

Shape = Literal["number", "angle", "text"]

MAX_TEXT = 255
"""Bytes of a text at most: its length stands in one."""


class Field:
    """One field of a kind of entities; made by the functions below.

    Attributes:
        shape: ``number``, ``angle`` or ``text``.
        code: How `struct` packs it: ``B``, ``H`` or ``I``; of a text ``s``.
        low: What step 0 stands for.
        step: The difference between two steps; of an angle in radians.
        most: The last step; of a text, its most bytes.
        default: The value of an entity that was given none.
        quantise: From a value to what is sent: steps, or bytes. Raises where the value is none.
    """

    __slots__ = ("code", "default", "low", "most", "quantise", "shape", "step")

    def __init__(
        self,
        shape: Shape,
        code: str,
        *,
        low: float,
        step: float,
        most: int,
        default: Any,
        quantise: Callable[[Any], Any],
    ) -> None:
        self.shape: Shape = shape
        self.code = code
        self.low = low
        self.step = step
        self.most = most
        self.default = default
        self.quantise = quantise

    def restore(self, sent: Any) -> Any:
        """Return the value that steps or bytes stand for."""
        if self.shape == "text":
            return sent.decode()
        return self.low + sent * self.step

    def description(self) -> dict[str, Any]:
        """Say to a client how to read it."""
        return {"shape": self.shape, "code": self.code, "low": self.low, "step": self.step}


def number(low: float, high: float, *, step: float, default: float | None = None) -> Any:
    """A number in a range, rounded to steps; what is outside counts as the nearer end.

    Args:
        low: The least.
        high: The greatest.
        step: What two values on the wire differ by at least. The range may have 2**32 of them; up to 256 take one byte,
            up to 65,536 two.
        default: None: 0, or the end of the range that is nearest to it.

    Raises:
        ValueError: the range is empty or not finite, or has too many steps.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high and 0 < step <= high - low):
        raise ValueError(f"{low} to {high} in steps of {step} is no range")
    scale, most = 1 / step, math.ceil((high - low) / step - 1e-9)
    code = _code(most)

    def quantise(value: float) -> int:
        steps = int((value - low) * scale + 0.5)
        return 0 if steps < 0 else most if steps > most else steps  # noqa: FURB136  # for each change

    start = min(max(0.0, low), high) if default is None else default
    return Field("number", code, low=low, step=step, most=most, default=start, quantise=quantise)


def integer(low: int, high: int, *, default: int | None = None) -> Any:
    """A whole number in a range.

    Args:
        low: The least.
        high: The greatest.
        default: None: 0, or the end of the range that is nearest to it.

    Raises:
        ValueError: the range is empty, or has more than 2**32 numbers.
    """
    return number(low, high, step=1, default=default)


def flag(*, default: bool = False) -> Any:
    """True or false; 1 or 0 for clients."""
    return number(0, 1, step=1, default=default)


def angle(*, steps: int = 256, default: float = 0.0) -> Any:
    """A direction in radians, from 0 to just below 2π for clients.

    Args:
        steps: Parts of the circle, at most 65,536.
        default: In radians.

    Raises:
        ValueError: fewer than two steps, or too many.
    """
    if not 2 <= steps <= 2**16:
        raise ValueError(f"a circle has 2 to 65536 steps, not {steps}")
    scale = steps / math.tau

    def quantise(value: float) -> int:
        return int(value * scale // 1 + (value * scale % 1 >= 0.5)) % steps

    return Field(
        "angle",
        _code(steps - 1),
        low=0.0,
        step=1 / scale,
        most=steps - 1,
        default=default,
        quantise=quantise,
    )


def text(*, most: int = 32, default: str = "") -> Any:
    """A short text.

    Args:
        most: Bytes in UTF-8, up to `MAX_TEXT`; what is longer is cut, at the boundary of a character.
        default: The text.

    Raises:
        ValueError: ``most`` is no such number.
    """
    if not 1 <= most <= MAX_TEXT:
        raise ValueError(f"a text has 1 to {MAX_TEXT} bytes, not {most}")

    def quantise(value: str) -> bytes:
        data = value.encode("utf-8", "replace")
        return data if len(data) <= most else data[:most].decode("utf-8", "ignore").encode()

    return Field("text", "s", low=0.0, step=0.0, most=most, default=default, quantise=quantise)


def _code(most: int) -> str:
    for code, bits in (("B", 8), ("H", 16), ("I", 32)):
        if most < 2**bits:
            return code
    raise ValueError(f"{most + 1} steps are more than 2**32")
