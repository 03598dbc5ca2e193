"""Editing: the document and its versions, on a playground that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from openline.playground.pages.editing_sample import FIRST, TEXT
from tests.documents.editing import Peer
from tests.playground.running import Visitor, new_cookie, running, visiting


async def opened(address: str, cookie: str, query: str = "") -> Peer:
    """Somebody who has opened the document."""
    peer = Peer()
    await peer.connect(f"ws://{address}/documents/field-notes{query}", additional_headers={"Cookie": cookie})
    peer.text = peer.doc.get(TEXT, type=type(peer.text))
    return peer


async def call(visitor: Visitor, method: str, data: Any = None) -> Any:
    return await visitor.command(rpc={"method": method, "data": data or {}})


async def test_visitors_write_in_one_document_and_go_back_in_it() -> None:
    async with running() as address:
        cookie = await new_cookie(address)
        one, two = await opened(address, cookie), await opened(address, cookie)
        await two.until(lambda: str(two.text) == FIRST)
        await one.until(lambda: one.synced)
        async with visiting(address, "Quiet Fox", cookie=cookie) as visitor:
            saved = (await call(visitor, "editing.save", {"label": "as it was"}))["rpc"]["data"]["number"]
            one.text += "spoilt"
            await two.until(lambda: str(two.text) == FIRST + "spoilt")
            await call(visitor, "editing.restore", {"number": saved})
            await two.until(lambda: str(two.text) == FIRST)
            listed = (await call(visitor, "editing.versions"))["rpc"]["data"]
            assert [version["label"] for version in listed] == [f"Before version {saved}", "as it was"]
            assert (await call(visitor, "editing.restore", {"number": 99}))["error"]["code"] == 404
        for peer in (one, two):
            await peer.close()


async def test_who_only_reads_cannot_write_and_other_documents_are_nobodys() -> None:
    async with running() as address:
        cookie = await new_cookie(address)
        reader = await opened(address, cookie, "?view=read")
        await reader.until(lambda: str(reader.text) == FIRST)
        reader.text += "!"
        assert await reader.gone() == 4403
        stranger = Peer()
        await stranger.connect(f"ws://{address}/documents/field-notes")
        assert await stranger.gone() == 4403, "without a cookie"
        other = Peer()
        await other.connect(f"ws://{address}/documents/other", additional_headers={"Cookie": cookie})
        assert await other.gone() == 4403


async def test_what_was_written_is_there_again(tmp_path: Path) -> None:
    async with running(data=tmp_path / "demo.db") as address:
        cookie = await new_cookie(address)
        peer, other = await opened(address, cookie), await opened(address, cookie)
        await peer.until(lambda: peer.synced)
        peer.text.clear()
        peer.text += "only this"
        await other.until(lambda: str(other.text) == "only this")
    async with running(data=tmp_path / "demo.db") as address:
        peer = await opened(address, await new_cookie(address))
        await peer.until(lambda: str(peer.text) == "only this")
        await peer.close()
