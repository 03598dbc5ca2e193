"""openline's documents: one of 100 kB in which all type, and one with a history of 1 MB that nobody has opened."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

from pycrdt import Doc, Text

import openline
from benchmarks.peers.job import Job, run
from openline.documents import Documents
from openline.documents.storage import DocumentLog
from openline.hub import Hub
from openline.hub.stores.sqlite import SQLiteStore

SIZE = 100_000
"""Characters of the document in which all type."""
HISTORY = 1_000_000
"""Bytes of the updates of the other one: each is a key that somebody has pressed."""
IN_ENTRY = 25
"""Of them in an entry of the log."""


def page(size: int) -> str:
    """So many characters of something like text."""
    chance = random.Random(size)
    words: list[str] = []
    while size > 0:
        words.append("".join(chance.choices("etaoinshrdlu", k=chance.randrange(2, 9))))
        size -= len(words[-1]) + 1
    return " ".join(words)[:SIZE]


def history() -> list[bytes]:
    """Updates of somebody who types here and there, and takes some of it back."""
    chance = random.Random(1)
    doc: Doc[Any] = Doc(client_id=chance.randrange(2**32))
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    text = doc.get("text", type=Text)
    size = at = 0
    while size < HISTORY:
        if len(updates) % 20 == 0:
            at = chance.randrange(len(text) + 1)
        if len(updates) % 9 == 8 and at:
            del text[at - 1 : at]
            at -= 1
        else:
            text.insert(at, chance.choice("etaoin "))
            at += 1
        size += len(updates[-1])
    return updates


async def start(job: Job) -> object:
    folder = tempfile.TemporaryDirectory(prefix="openline-bench-")
    store = SQLiteStore(str(Path(folder.name) / "documents.db"), synchronous="normal")
    await store.start()
    log, updates = DocumentLog(store, "history"), history()
    for first in range(0, len(updates), IN_ENTRY):
        await log.append(updates[first : first + IN_ENTRY], 0)
    doc: Doc[Any] = Doc(client_id=1)
    doc["text"] = Text(page(SIZE))
    await DocumentLog(store, "typing").append([doc.get_update()], 0)
    documents = Documents(Hub(insecure=True), store)
    return folder, documents, await openline.serve(documents, sock=job.sock, compression=None)


if __name__ == "__main__":
    run(start)
