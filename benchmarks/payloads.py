"""The messages that are sent: the same on every machine and in every run."""

import json
import random
import struct
from collections.abc import Callable
from pathlib import Path

_WORDS = "order room paid open draft light water stone green north quick report amount little window".split()
_FOREIGN = "Grüße café naïve señor привет мир данные 東京 会議 資料 안녕 नमस्ते שלום 🚀 ✅ 💬 — … €".split()


def _binary(draw: random.Random, size: int) -> bytes:
    return draw.randbytes(size)


def _text(draw: random.Random, size: int) -> bytes:
    """Mixed UTF-8: about a third of the words are not ASCII."""
    text = b""
    while len(text) < size:
        text += draw.choice(_FOREIGN if draw.random() < 0.35 else _WORDS).encode() + b" "
    text = text[:size].decode(errors="ignore").encode()
    return text + b"." * (size - len(text))


def _json(draw: random.Random, size: int) -> bytes:
    """Events as a live application sends them: the same keys, other values."""

    def dump(events: list[object], padding: str) -> bytes:
        document = {"channel": "market:eu", "events": events, "note": padding}
        return json.dumps(document, separators=(",", ":")).encode()

    events: list[object] = []
    while True:
        at = f"{draw.randrange(24):02}:{draw.randrange(60):02}:{draw.randrange(60):02}.{draw.randrange(1000):03}"
        events.append(
            {
                "id": draw.randrange(10**9),
                "type": draw.choice(["trade", "quote", "cancel", "join", "typing"]),
                "at": f"2026-11-{draw.randrange(1, 29):02}T{at}Z",
                "user": {"id": draw.randrange(10**6), "name": draw.choice(_WORDS).title()},
                "price": round(draw.uniform(1, 5000), 2),
                "amount": draw.randrange(1, 10**4),
                "tags": draw.sample(_WORDS, 3),
                "text": " ".join(draw.choices(_WORDS, k=6)),
            }
        )
        if len(dump(events, "")) > size:
            break
    events.pop()
    words = " ".join(draw.choices(_WORDS, k=size))
    return dump(events, words[: size - len(dump(events, ""))])


_KINDS: dict[str, Callable[[random.Random, int], bytes]] = {"binary": _binary, "text": _text, "json": _json}


def write_messages(folder: Path, kind: str, size: int) -> Path:
    """Write a file of messages for the load client, unless it is there.

    Args:
        folder: Where to.
        kind: ``binary``, ``text`` or ``json``.
        size: Of each message, in bytes.

    Returns:
        The file: for each message its length (32 bits, little-endian) and its bytes; 1,000 messages, fewer where they
        would take more than 4 MiB.
    """
    path = folder / f"{kind}-{size}"
    if not path.exists():
        draw = random.Random(f"{kind} {size}")
        count = max(4, min(1000, 2**22 // size))
        messages = [_KINDS[kind](draw, size) for _ in range(count)]
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(struct.pack("<I", len(message)) + message for message in messages))
    return path
