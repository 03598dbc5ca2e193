"""HTTP headers: a container, and the grammar of those that the opening handshake uses.

In lists, empty elements are passed over: ``a,, b`` is ``a, b`` (RFC 9110 section 5.6.1).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from typing import Protocol, Self, TypeAlias

from openline.exceptions import InvalidHeaderFormat, InvalidHeaderValue

__all__ = [
    "ExtensionHeader",
    "ExtensionParameter",
    "Headers",
    "HeadersLike",
    "MultipleValuesError",
    "SupportsKeysAndGetItem",
    "build_authorization_basic",
    "build_extensions",
    "build_host",
    "build_subprotocols",
    "build_www_authenticate_basic",
    "is_host",
    "is_token",
    "parse_authorization_basic",
    "parse_extensions",
    "parse_products",
    "parse_tokens",
]

ExtensionParameter: TypeAlias = tuple[str, str | None]
"""Name and value of a parameter of an extension; None: it has no value."""

ExtensionHeader: TypeAlias = tuple[str, list[ExtensionParameter]]
"""Name and parameters of an extension."""


class _Matcher(Protocol):
    def __call__(self, string: str, /) -> re.Match[str] | None: ...


# RFC 9110 sections 5.6.2 and 5.5; obs-text is tolerated, and kept as ISO-8859-1.
_TOKEN_CHARACTER = r"[-!#$%&'*+.^_`|~0-9A-Za-z]"
_TOKEN = f"{_TOKEN_CHARACTER}+"
_is_token = re.compile(_TOKEN).fullmatch
_is_value = re.compile(r"[\t\x20-\x7e\x80-\xff]*").fullmatch

# RFC 9110 section 7.8.
_is_product = re.compile(rf"{_TOKEN}(?:/{_TOKEN})?").fullmatch

# RFC 6455 section 9.1, with the white space that section 2.1 of RFC 2616 implies.
# A quoted value must be a token once it is unquoted, so that no comma or semicolon can hide in one.
_QUOTED = rf'"(?:\\?{_TOKEN_CHARACTER})+"'
_PARAMETER = rf"[ \t]*;[ \t]*{_TOKEN}(?:[ \t]*=[ \t]*(?:{_TOKEN}|{_QUOTED}))?"
_is_extension = re.compile(rf"{_TOKEN}(?:{_PARAMETER})*").fullmatch

# RFC 7617 section 2.
_is_basic = re.compile(r"basic +([-._~+/0-9A-Za-z]+=*)", re.IGNORECASE).fullmatch

# RFC 3986 section 3.2.2, with an optional port.
_is_host = re.compile(r"(?:\[[0-9A-Fa-f:.v]+\]|[-A-Za-z0-9._~%!$&'()*+,;=]+)(?::[0-9]*)?").fullmatch


class SupportsKeysAndGetItem(Protocol):
    """What `dict.update` takes for a mapping; `Headers` is one."""

    def keys(self) -> Iterable[str]: ...
    def __getitem__(self, key: str, /) -> str: ...


class MultipleValuesError(LookupError):
    """A header was asked for as if it stood there once, and stands there several times."""

    def __str__(self) -> str:
        return f"{self.args[0]!r} has several values" if self.args else ""


class Headers(MutableMapping[str, str]):
    """HTTP headers: a mapping that ignores the case of names, keeps the order, and may hold a name several
    times.

    - ``headers[name]`` is the value; `KeyError` if there is none, `MultipleValuesError` if there are several.
    - ``headers[name] = value`` adds a value; it replaces none.
    - ``del headers[name]`` removes all values of that name.
    - `get_all` gives all values of a name, and `raw_items` all names and values as they were written.

    Values are text as ISO-8859-1 has it. Names and values that would break out of their line are refused.

    Args:
        args: Another mapping, or pairs of names and values.
        kwargs: Further headers.
    """

    __slots__ = ("_items", "_values")

    def __init__(self, *args: HeadersLike, **kwargs: str) -> None:
        self._items: list[tuple[str, str]] = []
        self._values: dict[str, list[str]] = {}
        self.update(*args, **kwargs)

    @classmethod
    def from_checked(cls, items: list[tuple[str, str]]) -> Self:
        """Take over names and values that were checked already."""
        headers = cls.__new__(cls)
        headers._items = items
        values: dict[str, list[str]] = {}
        headers._values = values
        for name, value in items:
            values.setdefault(name.lower(), []).append(value)
        return headers

    def __repr__(self) -> str:
        return f"Headers({self._items!r})"

    def __str__(self) -> str:
        return "".join([f"{name}: {value}\r\n" for name, value in self._items]) + "\r\n"

    def copy(self) -> Self:
        """Make a copy that can be changed by itself."""
        return self.from_checked(self._items.copy())

    def serialize(self) -> bytes:
        """Write the headers, with the empty line that ends them."""
        return str(self).encode("iso-8859-1")

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return self._values == other._values if isinstance(other, Headers) else NotImplemented

    def __getitem__(self, name: str) -> str:
        values = self._values[name.lower()]
        if len(values) > 1:
            raise MultipleValuesError(name)
        return values[0]

    def __setitem__(self, name: str, value: str) -> None:
        value = str(value)
        if not _is_token(name) or not _is_value(value):
            raise InvalidHeaderValue(name, value)
        self._items.append((name, value))
        self._values.setdefault(name.lower(), []).append(value)

    def __delitem__(self, name: str) -> None:
        lowered = name.lower()
        del self._values[lowered]
        self._items = [item for item in self._items if item[0].lower() != lowered]

    def clear(self) -> None:
        """Remove all headers."""
        self._items = []
        self._values = {}

    def update(self, *args: HeadersLike, **kwargs: str) -> None:
        """Add headers; those of `Headers` with all their values."""
        super().update(*(arg.raw_items() if isinstance(arg, Headers) else arg for arg in args), **kwargs)

    def get_all(self, name: str) -> list[str]:
        """Return all values of a header, in their order; an empty list if there is none."""
        return self._values.get(name.lower(), []).copy()

    def raw_items(self) -> Iterator[tuple[str, str]]:
        """Iterate over all names and values, as they were written and in their order."""
        return iter(self._items)


HeadersLike: TypeAlias = SupportsKeysAndGetItem | Iterable[tuple[str, str]]
"""What can be made into `Headers`."""


def is_token(text: str) -> bool:
    """Tell whether ``text`` is a token (RFC 9110 section 5.6.2)."""
    return _is_token(text) is not None


def is_host(text: str) -> bool:
    """Tell whether ``text`` is a host with an optional port (RFC 9110 section 7.2)."""
    return _is_host(text) is not None


def build_host(host: str, port: int, secure: bool, *, always_include_port: bool = False) -> str:
    """Write a Host header (RFC 6455 section 4.1).

    Args:
        host: Name or address; an IPv6 address without brackets. Its zone is left out (RFC 6874 section 1).
        port: Port.
        secure: Whether the scheme is ``wss``; decides which port is left out as the default.
        always_include_port: Never leave the port out.
    """
    if ":" in host:
        host = f"[{host.partition('%')[0]}]"
    if port == (443 if secure else 80) and not always_include_port:
        return host
    return f"{host}:{port}"


def parse_tokens(name: str, values: Iterable[str]) -> list[str]:
    """Read a list of tokens, such as Connection or Sec-WebSocket-Protocol.

    Args:
        name: The header's name, for the error.
        values: All of its values; together they are one list (RFC 9110 section 5.3).

    Raises:
        InvalidHeaderFormat: An element is no token.
    """
    return [element for value in values for element in _elements(name, value, _is_token)]


def parse_products(name: str, values: Iterable[str]) -> list[str]:
    """Read a list of protocols, each with an optional version, such as Upgrade (RFC 9110 section 7.8).

    Args:
        name: The header's name, for the error.
        values: All of its values.

    Raises:
        InvalidHeaderFormat: An element is no protocol.
    """
    return [element for value in values for element in _elements(name, value, _is_product)]


def parse_extensions(values: Iterable[str]) -> list[ExtensionHeader]:
    """Read Sec-WebSocket-Extensions (RFC 6455 section 9.1).

    Args:
        values: All of its values; together they are one list.

    Raises:
        InvalidHeaderFormat: A value breaks the grammar. It does so, too, if it names no extension.
    """
    name = "Sec-WebSocket-Extensions"
    extensions: list[ExtensionHeader] = []
    for value in values:
        elements = _elements(name, value, _is_extension)
        if not elements:
            raise InvalidHeaderFormat(name, "expected extension", value, 0)
        for element in elements:
            extension, *parameters = element.split(";")
            extensions.append((extension.strip(" \t"), [_parse_parameter(text) for text in parameters]))
    return extensions


def _parse_parameter(text: str) -> ExtensionParameter:
    key, equals, value = text.partition("=")
    if not equals:
        return key.strip(" \t"), None
    return key.strip(" \t"), value.strip(' \t"').replace("\\", "")


def _elements(name: str, value: str, is_element: _Matcher) -> list[str]:
    """Split a list, and check each element."""
    elements: list[str] = []
    pos = 0
    for raw in value.split(","):
        element = raw.strip(" \t")
        if element:
            if not is_element(element):
                raise InvalidHeaderFormat(name, "unexpected text", value, pos)
            elements.append(element)
        pos += len(raw) + 1
    return elements


def build_extensions(extensions: Sequence[tuple[str, Sequence[ExtensionParameter]]]) -> str:
    """Write Sec-WebSocket-Extensions (RFC 6455 section 9.1)."""
    return ", ".join(
        "; ".join([name, *(key if value is None else f"{key}={value}" for key, value in parameters)])
        for name, parameters in extensions
    )


def build_subprotocols(subprotocols: Sequence[str]) -> str:
    """Write Sec-WebSocket-Protocol for a request (RFC 6455 section 4.1, item 10).

    Raises:
        ValueError: One is no token, or is named twice.
        TypeError: ``subprotocols`` is a string; it would be taken for its letters.
    """
    if isinstance(subprotocols, str):
        raise TypeError("subprotocols must be a sequence of strings, not a string")
    for subprotocol in subprotocols:
        if not _is_token(subprotocol):
            raise ValueError(f"RFC 6455 section 4.1: subprotocol {subprotocol!r} is not a token")
    if len(set(subprotocols)) < len(subprotocols):
        raise ValueError("RFC 6455 section 4.1: a subprotocol is named twice")
    return ", ".join(subprotocols)


def build_www_authenticate_basic(realm: str) -> str:
    """Write WWW-Authenticate for Basic authentication (RFC 7617 section 2)."""
    quoted = realm.replace("\\", "\\\\").replace('"', '\\"')
    return f'Basic realm="{quoted}", charset="UTF-8"'


def build_authorization_basic(username: str, password: str) -> str:
    """Write Authorization for Basic authentication (RFC 7617 section 2).

    Raises:
        ValueError: There is a colon in the name; it would end there.
    """
    if ":" in username:
        raise ValueError("RFC 7617 section 2: user name with a colon")
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def parse_authorization_basic(header: str) -> tuple[str, str]:
    """Read Authorization for Basic authentication (RFC 7617 section 2).

    Returns:
        Name and password.

    Raises:
        InvalidHeaderFormat: It is not of the form ``Basic <token68>``.
        InvalidHeaderValue: What it carries is no name and password.
    """
    match = _is_basic(header)
    if match is None:
        raise InvalidHeaderFormat("Authorization", "expected Basic credentials", header, 0)
    try:
        username, colon, password = base64.b64decode(match[1], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidHeaderValue("Authorization", header) from None
    if not colon:
        raise InvalidHeaderValue("Authorization", header)
    return username, password
