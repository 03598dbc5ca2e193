"""What a person or a pipe gets to see: messages on the standard output, remarks on the standard error.

A terminal obeys what is written to it, and messages come from strangers: there, control characters are shown as
escapes. A pipe gets them as they are.
"""

from __future__ import annotations

import enum
import json
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from openline.protocol.headers import Headers

# Longer messages are shown as they came: nobody reads them indented, and colouring takes time.
PRETTY_LIMIT = 256 * 1024

# C0 without tab and line feed, DEL, C1, and what turns the direction of writing around.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# The tokens of a text that is known to be JSON.
_TOKENS = re.compile(r'(?P<string>"(?:[^"\\]|\\.)*")|(?P<mark>[{}\[\],:])|(?P<word>[^\s{}\[\],:"]+)')
_INDENT = "  "


class Style(enum.Enum):
    """How messages are written."""

    AUTO = "indented JSON in a terminal, a line for each message in a pipe"
    JSON = "indented JSON everywhere"
    RAW = "the bytes of the messages and nothing else"


def printable(text: str) -> str:
    """Return ``text`` with its control characters as escapes, so that a terminal does not obey them."""

    def escape(match: re.Match[str]) -> str:
        point = ord(match[0])
        return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"

    return _CONTROLS.sub(escape, text)


def is_json(text: str) -> bool:
    """Tell whether ``text`` is one JSON value (RFC 8259: without the NaN and Infinity that Python adds)."""

    def refuse(_constant: str) -> None:
        raise ValueError

    try:
        json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


def indented_json(text: str) -> Text:
    """Return JSON text with line breaks, indents and colours.

    The tokens stay as they came. Parsing and dumping would lose what one wants to see: digits, escapes, keys that
    occur twice.

    Args:
        text: JSON, as `is_json` says.
    """
    tokens = [(match.lastgroup, match[0]) for match in _TOKENS.finditer(text)]
    return Text.assemble(*_laid_out(tokens))


def _laid_out(tokens: list[tuple[str | None, str]]) -> Iterator[str | tuple[str, str]]:
    depth = 0
    for index, (kind, token) in enumerate(tokens):
        following = tokens[index + 1][1] if index + 1 < len(tokens) else ""
        if token in ("}", "]"):
            depth -= 1
            if tokens[index - 1][1] not in ("{", "["):
                yield f"\n{_INDENT * depth}"
        if kind == "string":
            yield printable(token), "bold blue" if following == ":" else "green"
        elif kind == "word":
            yield token, "magenta" if token in ("true", "false", "null") else "cyan"
        elif token == ":":
            yield ": "
        else:
            yield token
        if token in ("{", "["):
            depth += 1
            if following not in ("}", "]"):
                yield f"\n{_INDENT * depth}"
        elif token == ",":
            yield f"\n{_INDENT * depth}"


def hex_dump(data: bytes) -> Iterator[str]:
    """Yield lines of offset, sixteen bytes as hex, and what of them is ASCII."""
    for offset in range(0, len(data), 16):
        row = data[offset : offset + 16]
        letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"{offset:08x}  {row[:8].hex(' '):<23}  {row[8:].hex(' '):<23}  {letters}"


class Display:
    """Writes messages and remarks.

    Args:
        style: How messages are written.
        quiet: Leave the remarks out; errors are always shown.
        verbose: Show the headers of the handshake.
    """

    def __init__(self, style: Style = Style.AUTO, *, quiet: bool = False, verbose: bool = False) -> None:
        self._style = style
        self._quiet = quiet
        self._verbose = verbose
        self.terminal = sys.stdout.isatty()
        # Raw bytes would be written into the middle of the prompt.
        self.allows_prompt = self.terminal and style is not Style.RAW
        # Neither is bound to a file: the prompt replaces sys.stdout and sys.stderr while it is shown.
        self._out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._err = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)

    def message(self, message: str | bytes) -> None:
        """Write a message that came.

        Raises:
            BrokenPipeError: nobody reads the standard output any more.
        """
        if self._style is Style.RAW:
            self._write_raw(message)
        elif isinstance(message, bytes):
            self._write_binary(message)
        elif self._style is Style.JSON or self.terminal:
            self._write_pretty(message)
        else:
            _write_line(sys.stdout, message)

    def _write_raw(self, message: str | bytes) -> None:
        data = message.encode() if isinstance(message, str) else message
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    def _write_binary(self, message: bytes) -> None:
        if not self.terminal:
            _write_line(sys.stdout, message.hex())
            return
        count = f"binary, {len(message)} byte{'s' if len(message) != 1 else ''}"
        self._print(Text.assemble(("< ", "dim"), (count, "yellow")))
        for line in hex_dump(message):
            self._print(Text(f"  {line}", "yellow"))

    def _write_pretty(self, message: str) -> None:
        brackets = message.lstrip()[:1] in ("{", "[")
        if brackets and len(message) <= PRETTY_LIMIT and is_json(message):
            text = indented_json(message)
        else:
            text = Text(printable(message) if self.terminal else message)
        self._print(Text.assemble(("< ", "dim"), text) if self.terminal else text)

    def _print(self, text: Text) -> None:
        self._out.print(text)
        self._out.file.flush()

    def remark(self, text: str) -> None:
        """Write what happened, unless the display is quiet."""
        if not self._quiet:
            self._err.print(Text(printable(text), "dim"))

    def error(self, text: str) -> None:
        """Write what went wrong, as one line."""
        self._err.print(Text.assemble(("error: ", "bold red"), printable(text.replace("\n", " "))))

    def headers(self, mark: str, first_line: str, headers: Headers) -> None:
        """Write one half of the handshake, when the display is verbose.

        Args:
            mark: ``>`` for what was sent, ``<`` for what came.
            first_line: Request line or status line.
            headers: What stands below it.
        """
        if not self._verbose:
            return
        lines = [first_line, *(f"{name}: {value}" for name, value in headers.raw_items())]
        for line in lines:
            self._err.print(Text(f"{mark} {printable(line)}", "dim"))


def _write_line(stream: TextIO, text: str) -> None:
    # By bytes: a pipe carries UTF-8, whatever the locale or Windows' code page says, and "\n" stays "\n".
    stream.buffer.write(text.encode() + b"\n")
    stream.flush()
