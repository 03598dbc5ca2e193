"""Where the halves of a connection are joined."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref

import pytest

from openline import ClientConnection, Connection, ServerConnection
from openline.engine import of
from openline.websocket.lines import check_connection_class, line_class, make_line
from openline.websocket.options import Options

pytestmark = pytest.mark.engine


async def test_the_line_wins_where_both_have_a_name() -> None:
    engine = of()
    joined = line_class(engine, ServerConnection)
    assert joined.__mro__[1] is engine.line_class
    for name in ("send", "recv", "send_nowait", "flush", "pause", "resume", "__aiter__", "__anext__"):
        assert name not in vars(Connection)
        assert getattr(joined, name) is getattr(engine.line_class, name)


async def test_one_class_for_each_pair_that_looks_like_what_was_asked_for() -> None:
    engine = of()
    joined = line_class(engine, ServerConnection)
    assert joined is line_class(engine, ServerConnection)
    assert joined is not line_class(engine, ClientConnection)
    assert issubclass(joined, ServerConnection)
    assert (joined.__name__, joined.__doc__) == ("ServerConnection", ServerConnection.__doc__)


async def test_a_subclass_of_the_users_own() -> None:
    class Mine(ServerConnection):
        def hello(self) -> str:
            return "hello"

    made = make_line(line_class(of(), Mine), Options.of(logger=logging.getLogger("openline.test")))
    assert made.hello() == "hello"


async def test_connections_come_as_classes_of_the_right_side() -> None:
    assert check_connection_class(None, ClientConnection) is ClientConnection
    for wrong in (ServerConnection, lambda: None, 42):
        with pytest.raises(TypeError, match="ClientConnection"):
            check_connection_class(wrong, ClientConnection)  # type: ignore[type-var,arg-type]


async def test_a_line_that_was_never_attached_just_goes_away() -> None:
    line = make_line(
        line_class(of(), ClientConnection), Options.of(logger=logging.getLogger("openline.test"))
    )
    gone = weakref.ref(line)
    del line
    gc.collect()
    await asyncio.sleep(0)
    assert gone() is None
