"""What the document begins with, and what the calls of the editing page may say."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from pycrdt import Doc, Text

from openline.hub import ErrorCode, Refused, Session

TEXT = "text"
LONGEST_LABEL = 60  # characters

FIRST = """\
# Field notes

Everybody who opens this page writes in the same document. Type anywhere: others see each key \
as you press it, and your cursor where it stands.

## Try it

- Open a **second window** beside this one, and type in both at once.
- **Cut the line**, and write on. What you type waits, and so does what others type.
- When the line is back, both are *merged*: nobody's words are lost, and nobody is asked.
- **Save a version**, spoil the text, and restore it.

## How it works

1. Each key is a small update of the document, made by `Yjs` in your browser.
2. The server puts it into its own copy, appends it to a log, and sends it to everybody.
3. You are among them: when your update comes back, it is stored, and the page says *Saved*.

> Two people who type in the same place never overwrite each other. Each letter has a place of its own.
"""


def begin(doc: Doc[Any]) -> None:
    """Write the first words, unless there are any."""
    text = doc.get(TEXT, type=Text)
    if not len(text):
        text += FIRST


def label_of(data: object) -> str:
    """Return what a version is to be called; cut to `LONGEST_LABEL`.

    Raises:
        Refused: it is no text.
    """
    label = _field(data, "label")
    if not isinstance(label, str):
        raise Refused(ErrorCode.BAD_REQUEST)
    return " ".join(label.split())[:LONGEST_LABEL]


def number_of(data: object) -> int:
    """Return the number of a version.

    Raises:
        Refused: it is none.
    """
    number = _field(data, "number")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**53:
        raise Refused(ErrorCode.BAD_REQUEST)
    return number


def name_of(session: Session) -> str:
    """Return what a visitor calls himself."""
    if session.info is None:
        return ""
    info: object = msgspec.json.decode(bytes(session.info))
    name = _field(info, "name")
    return name if isinstance(name, str) else ""


def _field(data: object, name: str) -> object:
    return cast("dict[str, object]", data).get(name) if isinstance(data, dict) else None
