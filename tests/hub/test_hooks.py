"""Where functions of the application are kept, and with what they are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from openline.hub.hooks import CHANNEL_HOOKS, HUB_HOOKS, ChannelHooks, Hooks, accepting

ARGUMENTS = ("one", "two", "three")


@pytest.mark.parametrize(
    ("function", "given"),
    [
        (lambda: (), ()),
        (lambda a: (a,), (1,)),
        (lambda a, b: (a, b), (1, 2)),
        (lambda a, b, c: (a, b, c), (1, 2, 3)),
        (lambda a, b, c, d=9: (a, b, c, d), (1, 2, 3, 9)),
        (lambda *rest: rest, (1, 2, 3)),
        (lambda a, *rest: (a, *rest), (1, 2, 3)),
        (lambda a, *, b=9: (a, b), (1, 9)),
    ],
)
def test_a_function_gets_as_much_as_it_declares(function: Callable[..., Any], given: tuple[int, ...]) -> None:
    assert accepting(function, ARGUMENTS, "on_x")(1, 2, 3) == given


@pytest.mark.parametrize("function", [lambda a, b, c, d: None, lambda a, *, b: None, 5])
def test_what_it_cannot_be_given_is_refused_at_once(function: Any) -> None:
    with pytest.raises(TypeError, match="on_x"):
        accepting(function, ARGUMENTS, "on_x")


def test_methods_do_not_count_self() -> None:
    class Bot:
        def joined(self, session: str) -> str:
            return session

    assert accepting(Bot().joined, ARGUMENTS, "on_x")("a", "b", "c") == "a"


def test_a_namespace_stands_before_the_hub() -> None:
    hub = Hooks(HUB_HOOKS)
    namespace = Hooks(CHANNEL_HOOKS, hub)
    assert namespace.get("publish") is None
    everywhere = hub.register("publish", lambda session, channel, data: 1)
    assert namespace.get("publish") is everywhere
    here = namespace.register("publish", lambda session, channel, data: 2)
    assert (namespace.get("publish"), hub.get("publish")) == (here, everywhere)


def test_one_hook_of_a_kind() -> None:
    hooks = Hooks(HUB_HOOKS)
    hooks.register("connect", lambda session: None)
    with pytest.raises(ValueError, match="there is an on_connect already"):
        hooks.register("connect", lambda session: None)


@pytest.mark.parametrize("name", CHANNEL_HOOKS)
def test_there_is_a_decorator_for_each(name: str) -> None:
    class Both(ChannelHooks):
        hooks = Hooks(CHANNEL_HOOKS)

    def function() -> None: ...

    assert getattr(Both(), f"on_{name}")(function) is function
    assert Both.hooks.get(name) is not None
