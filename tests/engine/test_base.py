"""The contract, held against those who signed it."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from openline.engine import base
from openline.engine.portable import Line as PortableLine
from openline.engine.portable_engine import Acceptor, PortableEngine
from openline.websocket.client_connection import ClientConnection
from openline.websocket.connection import Connection
from openline.websocket.options import Options

HAS_NATIVE = importlib.util.find_spec("openline.engine.native.line") is not None


def names_of(protocol: type) -> set[str]:
    """All that a class of the contract asks for, what it inherits included."""
    found: set[str] = set()
    for cls in protocol.__mro__:
        if cls.__module__ == base.__name__:
            found |= {
                name for name in (*vars(cls), *inspect.get_annotations(cls)) if not name.startswith("__")
            }
            found |= {"__aiter__"} & set(vars(cls))
    return {name for name in found if not name.startswith(("_abc_", "_is_protocol", "_is_runtime"))}


async def lines() -> list[type[Any]]:
    made: list[type[Any]] = [PortableLine]
    if HAS_NATIVE:
        from openline.engine.native.line import Line as NativeLine

        made.append(NativeLine)
    return made


async def test_every_line_has_every_name() -> None:
    wanted = names_of(base.Line) - {"side"}  # the upper half's
    assert {"send", "_queue_urgent", "unsent", "__aiter__"} <= wanted
    for line in await lines():
        missing = {name for name in wanted if not hasattr(line, name)}
        assert not missing, line


async def test_the_upper_half_has_every_name() -> None:
    wanted = names_of(base.Upper) - names_of(base._Attributes)
    assert "_connection_lost" in wanted
    assert not {name for name in wanted if not hasattr(Connection, name)}
    assert ClientConnection.__slots__ == Connection.__slots__ == ()


def test_the_upper_half_never_takes_a_name_of_the_line() -> None:
    assert not {name for name in names_of(base.Line) - {"side"} if name in dir(Connection)}


@pytest.mark.parametrize("name", sorted(names_of(base.LineOptions)))
def test_options_have_what_a_line_reads(name: str) -> None:
    assert name in Options.__slots__


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    return [
        (name, parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self"
    ]


@pytest.mark.parametrize("method", ["listen", "adopt"])
def test_engines_take_the_same_arguments(method: str) -> None:
    engines: list[type[Any]] = [PortableEngine]
    if HAS_NATIVE:
        from openline.engine.native.engine import NativeEngine

        engines.append(NativeEngine)
    for engine in engines:
        assert parameters(getattr(engine, method)) == parameters(getattr(base.Engine, method))
        assert {"name", "line_class", "fan_out"} <= set(dir(engine))


def test_acceptors_can_be_closed() -> None:
    assert {name for name in names_of(base.Acceptor) if not hasattr(Acceptor, name)} == set()


async def test_a_hot_call_gives_a_coroutine() -> None:
    assert asyncio.iscoroutinefunction(PortableLine.send)
    assert asyncio.iscoroutinefunction(PortableLine.recv)
