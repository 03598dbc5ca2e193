"""The application's functions: where they are kept, and how they are called.

A hook declares as many of the arguments as it wants: ``on_subscribe`` may be ``(session, channel)`` or ``(session,
channel, data)``. What was registered on a namespace stands before what was registered on the hub.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["CHANNEL_HOOKS", "HUB_HOOKS", "ChannelHooks", "Hooks", "accepting"]

F = TypeVar("F", bound=Callable[..., Any])

CHANNEL_HOOKS = {
    "subscribe": ("session", "channel", "data"),
    "unsubscribe": ("session", "channel", "code", "reason"),
    "publish": ("session", "channel", "data"),
    "presence": ("session", "channel"),
    "history": ("session", "channel", "limit", "since", "reverse"),
    "occupied": ("channel",),
    "vacated": ("channel",),
}
"""Hooks of a hub or of a namespace, and their arguments."""

HUB_HOOKS = {
    "connect": ("session", "data"),
    "refresh": ("session", "token"),
    "disconnect": ("session", "code", "reason"),
    "message": ("session", "data"),
    **CHANNEL_HOOKS,
}
"""All hooks of a hub."""


class Hooks:
    """The hooks of a hub or of a namespace; ``hooks.subscribe`` is the function, or None.

    Args:
        names: Which hooks there are, with their arguments.
        fallback: Where to look for what is not registered here.
    """

    __slots__ = ("_fallback", "_functions", "_names")

    def __init__(self, names: dict[str, tuple[str, ...]], fallback: Hooks | None = None) -> None:
        self._names = names
        self._functions: dict[str, Callable[..., Any]] = {}
        self._fallback = fallback

    def get(self, name: str) -> Callable[..., Any] | None:
        """Return the hook of a name, which takes all arguments of that name; None: there is none."""
        function = self._functions.get(name)
        if function is None and self._fallback is not None:
            return self._fallback.get(name)
        return function

    def register(self, name: str, function: F) -> F:
        """Keep a function; returns it unchanged, for use as a decorator.

        Raises:
            ValueError: there is one of that name already.
            TypeError: it wants more arguments than there are.
        """
        if name in self._functions:
            raise ValueError(f"there is an on_{name} already: {self._functions[name]!r}")
        self._functions[name] = accepting(function, self._names[name], f"on_{name}")
        return function


class ChannelHooks:
    """The decorators that a hub and a namespace have in common.

    Like all hooks, these may be ``async``, and may leave out arguments at the end.

    Attributes:
        hooks: What was registered.
    """

    hooks: Hooks

    def on_subscribe(self, function: F) -> F:
        """Register ``(session, channel, data)``: somebody wants to subscribe; ``data`` is what the client sent with it.

        It returns None (as the options say), or `Subscribe`, which lets in whoever asks; or it raises `Refused`,
        `Unauthorized` or `Disconnect`.
        """
        return self.hooks.register("subscribe", function)

    def on_unsubscribe(self, function: F) -> F:
        """Register ``(session, channel, code, reason)``: a subscription has ended, for whatever reason."""
        return self.hooks.register("unsubscribe", function)

    def on_publish(self, function: F) -> F:
        """Register ``(session, channel, data)``: a client wants to publish, and may.

        It returns None (as it is), the data to publish in its place, or `Publish`; or it raises.
        """
        return self.hooks.register("publish", function)

    def on_presence(self, function: F) -> F:
        """Register ``(session, channel)``: a client asks who is there, and may; it raises, or does not."""
        return self.hooks.register("presence", function)

    def on_history(self, function: F) -> F:
        """Register ``(session, channel, limit, since, reverse)``: a client asks for history, and may; it raises, or
        not."""
        return self.hooks.register("history", function)

    def on_occupied(self, function: F) -> F:
        """Register ``(channel)``: the first client, over all nodes, subscribes."""
        return self.hooks.register("occupied", function)

    def on_vacated(self, function: F) -> F:
        """Register ``(channel)``: the last client, over all nodes, is gone."""
        return self.hooks.register("vacated", function)


def accepting(function: Callable[..., Any], arguments: tuple[str, ...], name: str) -> Callable[..., Any]:
    """Return a function that takes all of ``arguments`` and hands on as many as ``function`` declares.

    Raises:
        TypeError: it declares more, or demands keywords.
    """
    if not callable(function):
        raise TypeError(f"{name} must be a function, not {function!r}")
    count = 0
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            return function
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            if count == len(arguments) and parameter.default is not parameter.empty:
                break
            count += 1
        elif parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
            raise TypeError(f"{name} is called without keywords, but {function!r} demands {parameter.name}")
    if count > len(arguments):
        raise TypeError(f"{name} takes at most {', '.join(arguments)}; {function!r} wants {count} arguments")
    if count == len(arguments):
        return function
    return lambda *given: function(*given[:count])
