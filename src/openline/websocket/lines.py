"""Where the two halves of a connection are joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from openline.websocket.extra import Extra

if TYPE_CHECKING:
    from openline.engine.base import Engine
    from openline.websocket.connection import Connection
    from openline.websocket.options import Options

__all__ = ["check_connection_class", "line_class", "make_line"]

_B = TypeVar("_B")
_C = TypeVar("_C", bound="Connection")

_classes: dict[tuple[str, type[Connection]], type[Connection]] = {}


def check_connection_class(create_connection: object, base: type[_B]) -> type[_B]:
    """Return what ``create_connection=`` stands for.

    Raises:
        TypeError: if it is no subclass of ``base``. A function will not do: the engine makes the connections.
    """
    if create_connection is None:
        return base
    if not (isinstance(create_connection, type) and issubclass(create_connection, base)):
        raise TypeError(f"create_connection must be a subclass of {base.__name__}, not {create_connection!r}")
    return create_connection


def line_class(engine: Engine, connection_class: type[_C]) -> type[_C]:
    """Return ``connection_class`` with the engine's `Line` as its lower half; made once for each pair.

    The line's methods win: the hot ones are its own. The class looks like ``connection_class`` in logs.

    Args:
        engine: The engine.
        connection_class: `ServerConnection`, `ClientConnection`, or a subclass.
    """
    joined = _classes.get((engine.name, connection_class))
    if joined is None:
        namespace = {
            "__module__": connection_class.__module__,
            "__doc__": connection_class.__doc__,
            "fan_out": staticmethod(engine.fan_out),
        }
        joined = cast(
            "type[Connection]",
            type(connection_class.__name__, (engine.line_class, connection_class), namespace),
        )
        _classes[engine.name, connection_class] = joined
    return cast("type[_C]", joined)


def make_line(line_class: type[_C], options: Options) -> _C:
    """Make a connection that is not attached to anything yet."""
    line = line_class()
    line.options = options
    line.extra = Extra()
    return line
