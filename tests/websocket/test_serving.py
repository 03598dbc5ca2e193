"""Applications that `serve` is given in place of a handler."""

from __future__ import annotations

import pytest

import openline
from openline.websocket.serving import Servable, Serving

pytestmark = pytest.mark.engine


class Parrot(openline.Listener):
    """Says everything twice."""

    def on_message(self, ws: openline.ServerConnection, message: str | bytes) -> None:
        ws.send_nowait(message)
        ws.send_nowait(message)


class Zoo:
    """Parrots at /parrot; everything else is the handler's. Notes what it is told."""

    def __init__(self, fail: bool = False) -> None:
        self.said: list[str] = []
        self._fail = fail

    def serving(self, *, http: object = None) -> Serving:
        async def start() -> None:
            if self._fail:
                raise OSError("the zoo is closed")
            self.said.append("start")

        async def closed() -> None:
            self.said.append("closed")

        async def handler(ws: openline.ServerConnection) -> None:
            await ws.send("no parrot")

        def listener(ws: openline.ServerConnection) -> openline.Listener | None:
            assert ws.request is not None
            return Parrot() if ws.request.path == "/parrot" else None

        return Serving(
            listener=listener,
            handler=handler,
            start=start,
            closing=lambda: self.said.append("closing"),
            closed=closed,
        )


async def test_it_chooses_who_gets_a_connection_and_hears_of_its_end() -> None:
    zoo = Zoo()
    assert isinstance(zoo, Servable)
    async with openline.serve(zoo, "127.0.0.1", 0) as server:
        assert zoo.said == ["start"]
        base = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with openline.connect(f"{base}/parrot") as ws:
            await ws.send("hi")
            assert [await ws.recv(), await ws.recv()] == ["hi", "hi"]
        async with openline.connect(f"{base}/else") as ws:
            assert await ws.recv() == "no parrot"
    assert zoo.said == ["start", "closing", "closed"]


async def test_one_that_cannot_start_is_not_served() -> None:
    with pytest.raises(OSError, match="the zoo is closed"):
        await openline.serve(Zoo(fail=True), "127.0.0.1", 0)


@pytest.mark.parametrize("argument", ["listener", "process_request", "select_subprotocol"])
async def test_it_brings_its_own(argument: str) -> None:
    with pytest.raises(TypeError, match="Zoo brings its own"):
        openline.serve(Zoo(), "127.0.0.1", 0, **{argument: lambda *args: None})
