"""Editing: one document that all visitors type in at once, with versions to go back to."""

from __future__ import annotations

import asyncio

from openline.documents import Documents
from openline.hub import ErrorCode, Refused, Session
from openline.playground.application import Application
from openline.playground.pages import editing_sample as sample

NAME = "field-notes"
CHANNEL = "editing:versions"


def install(app: Application) -> None:
    """Serve the document to Yjs editors as they are, and its versions by calls of the hub."""
    hub = app.hub
    documents = Documents(hub, app.store, max_document_size=2**20, max_versions=30)
    app.mount("/documents/", documents.listener)
    hub.namespace("editing", publish="nobody")

    @documents.on_open
    def may(session: Session, name: str) -> str:
        """Whoever has a cookie may write, unless his address asks for less: a link for those who shall only read."""
        if name != NAME:
            raise Refused(ErrorCode.PERMISSION_DENIED, "there is no such document")
        return "read" if "view=read" in session.request.path else "write"

    async def listed() -> object:
        return [
            {"number": one.number, "label": one.label, "author": one.author, "at": one.time, "size": one.size}
            for one in reversed(await documents.versions(NAME))
        ]

    @hub.rpc("editing.versions")
    async def versions() -> object:
        return await listed()

    @hub.rpc("editing.save")
    async def save(session: Session, data: object) -> object:
        """Keep the document as it is now, and show everybody that there is a version."""
        version = await documents.save_version(NAME, sample.label_of(data), author=sample.name_of(session))
        await hub.publish(CHANNEL, await listed())
        return {"number": version.number}

    @hub.rpc("editing.restore")
    async def restore(session: Session, data: object) -> object:
        """Make the document what it was. That is an edit like any other: open editors see it, with cursors in place."""
        number = sample.number_of(data)
        before = await documents.save_version(
            NAME, f"Before version {number}", author=sample.name_of(session)
        )
        try:
            await documents.restore(NAME, number)
        except LookupError:
            raise Refused(404, "There is no such version any more.") from None
        finally:
            await hub.publish(CHANNEL, await listed())
        return {"before": before.number}

    @app.job
    async def keep() -> None:
        """Write something to begin with, where nothing is written; and store, at the end, what is not stored yet."""
        async with documents:
            await documents.edit(NAME, sample.begin)
            await asyncio.get_running_loop().create_future()
