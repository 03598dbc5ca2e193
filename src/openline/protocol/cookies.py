"""Cookies that a request brings (RFC 6265 section 5.4), read in time proportional to their bytes.

The standard library reads quoted values with backslashes in quadratic time, before Python 3.11.10 and 3.12.6: the
longest header that is accepted costs seconds there. Cookies of servers like this one need no quotes.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["cookie_values"]


def cookie_values(fields: Iterable[str], name: str) -> list[str]:
    """Return the values of all cookies of a name, in their order, as they stand there: quotes are a part of them.

    Args:
        fields: The values of the header ``Cookie``, which may come several times.
        name: The cookie's name.
    """
    pairs = (pair.partition("=") for field in fields for pair in field.split(";"))
    return [value.strip(" \t") for key, sign, value in pairs if sign and key.strip(" \t") == name]
