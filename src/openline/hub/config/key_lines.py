"""In which line of a TOML document each key stands; `tomllib` does not say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

__all__ = ["KeyPath", "key_lines"]

KeyPath = tuple[str, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# A number, a date, true: up to what can follow a value. A date may have a blank in it, which no other one has.
_SCALAR = re.compile(r"[^,\]}#\n]*")
_STRINGS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r'"""(?:\\.|[^\\])*?"{3,5}(?!")',
        r"'''.*?'{3,5}(?!')",
        r'"(?:\\.|[^"\\])*"',
        r"'[^']*'",
    )
)


def key_lines(text: str) -> Mapping[KeyPath, int]:
    """Return the line, from 1 on, of each key and of each table's header, by the path of the key.

    Args:
        text: A document that `tomllib` has accepted. Of another one, some keys may be missing.
    """
    # As TOML reads it: CR LF is one end of a line.
    return _Scanner(text.replace("\r\n", "\n")).scan()


class _Scanner:
    """Walks over a document; keeps no values."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lines: dict[KeyPath, int] = {}

    def scan(self) -> Mapping[KeyPath, int]:
        table: KeyPath = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            before = self._at
            if self._text[self._at] == "[":
                self._skip(re.compile(r"\[+[ \t]*"))
                table = self._key(())
                self._skip(re.compile(r"[ \t]*\]*"))
            else:
                self._pair(table)
            self._skip(_BLANK)
            if self._at == before:
                break  # it is no TOML
        return self._lines

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        """Go behind a match, if there is one here."""
        match = pattern.match(self._text, self._at)
        if match is not None:
            self._at = match.end()
        return match is not None

    def _key(self, table: KeyPath) -> KeyPath:
        """Read a key with its dots, and note the line of each of its parts."""
        path = table
        line = self._text.count("\n", 0, self._at) + 1
        while True:
            begin = self._at
            if not (self._skip(_BARE_KEY) or self._skip(_STRINGS[2]) or self._skip(_STRINGS[3])):
                return path
            word = self._text[begin : self._at]
            try:
                path = (*path, next(iter(tomllib.loads(f"{word} = 0"))))
            except tomllib.TOMLDecodeError:
                return path  # it is no TOML
            self._lines.setdefault(path, line)
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return path
            self._at += 1
            self._skip(_SPACE)

    def _pair(self, table: KeyPath) -> None:
        path = self._key(table)
        self._skip(_SPACE)
        if self._text.startswith("=", self._at):
            self._at += 1
            self._skip(_SPACE)
            self._value(path)

    def _value(self, path: KeyPath) -> None:
        begin = self._text[self._at : self._at + 1]
        if begin == "[":
            self._list(path)
        elif begin == "{":
            self._inline_table(path)
        elif not any(self._skip(pattern) for pattern in _STRINGS):
            self._skip(_SCALAR)

    def _list(self, path: KeyPath) -> None:
        self._at += 1
        self._skip(_BLANK)
        while self._at < len(self._text) and self._text[self._at] != "]":
            before = self._at
            self._value(path)
            self._skip(_BLANK)
            if self._text.startswith(",", self._at):
                self._at += 1
                self._skip(_BLANK)
            if self._at == before:
                return
        self._at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        self._skip(_BLANK)
        while self._at < len(self._text) and self._text[self._at] != "}":
            before = self._at
            self._pair(path)
            self._skip(_BLANK)
            if self._text.startswith(",", self._at):
                self._at += 1
                self._skip(_BLANK)
            if self._at == before:
                return
        self._at += 1
