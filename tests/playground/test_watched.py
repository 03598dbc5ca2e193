"""Watched: passes everything on, and tells of the beginning and the end."""

from __future__ import annotations

from typing import Any

import pytest

from openline import Listener, connect, serve
from openline.playground.watched import Watched


async def test_all_that_happens_reaches_the_listener_between_beginning_and_end() -> None:
    said: list[object] = []

    class Inner(Listener):
        def on_open(self, ws: Any) -> None:
            said.append("open")

        def on_message(self, ws: Any, message: object) -> None:
            said.append(message)

        def on_close(self, ws: Any, code: int, reason: str) -> None:
            said.append((code, reason))

        def on_drain(self, ws: Any) -> None:
            said.append("drain")

        def on_overrun(self, ws: Any) -> bool:
            said.append("overrun")
            return True

    def watch(ws: Any) -> Watched:
        return Watched(Inner(), lambda _: said.append("begins"), lambda _: said.append("ends"))

    async with (
        serve(None, "127.0.0.1", 0, listener=watch) as server,
        connect(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}") as ws,
    ):
        await ws.send("hello")
        await ws.close(1000, "bye")
    assert said == ["begins", "open", "hello", (1000, "bye"), "ends"]
    watched = watch(None)
    watched.on_drain(None)
    assert watched.on_overrun(None) is True
    assert said[-2:] == ["drain", "overrun"]


def test_the_end_is_told_whatever_the_listener_does() -> None:
    class Failing(Listener):
        def on_close(self, ws: Any, code: int, reason: str) -> None:
            raise ZeroDivisionError

    ended: list[Any] = []
    line: Any = object()
    with pytest.raises(ZeroDivisionError):
        Watched(Failing(), lambda ws: None, ended.append).on_close(line, 1000, "")
    assert ended == [line]
