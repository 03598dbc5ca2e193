"""The nodes of a hub, and how they ask each other.

A call such as ``hub.disconnect("42")`` concerns sessions on whatever node. Where the broker is shared, it is sent
to all nodes over the control channel, and each answers what came of it; where it is not, there is one node, and
nothing is sent.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

import msgspec

from openline.hub.brokers.base import BrokerDown

if TYPE_CHECKING:
    from openline.hub.hub import Hub

__all__ = ["Nodes", "Operation"]

logger = logging.getLogger("openline.hub")

NODE_TTL = 10.0
"""Seconds after its last sign of life that a node counts as gone."""

INTRODUCTION = 0.3
"""Seconds in which the others answer to a node that has come; until then it asks them nothing."""

ANSWER_TIMEOUT = 5.0
"""Seconds that the other nodes have to answer."""

Operation = Callable[[dict[str, Any]], Awaitable[Any] | Any]
"""What a node can be asked to do: from parameters to an answer, both of what MessagePack can hold."""


class _Message(msgspec.Struct, omit_defaults=True):
    """What goes over the control channel.

    Attributes:
        node: Who sends it.
        kind: ``alive``, ``ask`` or ``answer``.
        id: Of a question, unique for its node; repeated in the answer.
        operation: Of a question.
        params: Of a question.
        answer: Of an answer; None with ``error``.
        error: Why there is none.
        leaving: Of ``alive``: this node ends.
    """

    node: str
    kind: str
    id: int = 0
    operation: str = ""
    params: dict[str, Any] = {}  # msgspec makes a new one for each record
    answer: Any = None
    error: str = ""
    leaving: bool = False


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Message).decode


class _Question:
    """A question that waits for its answers."""

    __slots__ = ("answers", "done", "missing")

    def __init__(self, nodes: set[str], done: asyncio.Future[None]) -> None:
        self.missing = nodes
        self.answers: dict[str, Any] = {}
        self.done = done


class Nodes:
    """This node among the others.

    Args:
        hub: The hub.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._seen: dict[str, float] = {}
        self._operations: dict[str, Operation] = {}
        self._questions: dict[int, _Question] = {}
        self._ids = itertools.count(1)
        self._ready_at = 0.0

    def offer(self, name: str, operation: Operation) -> None:
        """Do this when a node asks for it."""
        self._operations[name] = operation

    def known(self) -> list[str]:
        """Return the ids of the nodes that are alive, this one first."""
        now = time.monotonic()
        for node in [node for node, seen in self._seen.items() if now - seen > NODE_TTL]:
            del self._seen[node]
        return [self._hub.node, *self._seen]

    def start(self) -> None:
        """This node has come: tell the others."""
        self._ready_at = time.monotonic() + INTRODUCTION if self._hub.broker.shared else 0.0
        self.announce()

    def announce(self, *, leaving: bool = False) -> None:
        """Give a sign of life to the others."""
        if self._hub.broker.shared:
            self._hub.spawn(self._send(_Message(self._hub.node, "alive", leaving=leaving)))

    async def _send(self, message: _Message, node: str = "") -> None:
        try:
            await self._hub.broker.publish_control(_encode(message), node)
        except BrokerDown as error:
            self._hub.counters.broker_errors += 1
            logger.warning("a message to other nodes was not sent: %s", error)

    async def ask(self, operation: str, node: str = "", **params: Any) -> dict[str, Any]:
        """Have an operation done on all nodes, or on one, and wait for the answers.

        Args:
            operation: One that was offered.
            node: Which node; empty: all.
            params: Of what MessagePack can hold.

        Returns:
            The answers, by node. A node that does not answer in time, or fails, is missing, and that is logged.

        Raises:
            BrokerDown: nobody could be asked.

        Cancel: safe; the operation may be done all the same.
        """
        hub = self._hub
        if not hub.broker.shared or node == hub.node:
            return {hub.node: await self._do(operation, params)}
        # Who has just come must hear of the others first, which answer to its sign of life.
        wait = self._ready_at - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        wanted = {node} if node else set(self.known())
        number = next(self._ids)
        question = _Question(wanted, hub.loop.create_future())
        self._questions[number] = question
        timer = hub.loop.call_later(ANSWER_TIMEOUT, self._give_up, question)
        try:
            message = _Message(hub.node, "ask", number, operation, params)
            await hub.broker.publish_control(_encode(message), node)
            await question.done
        finally:
            timer.cancel()
            del self._questions[number]
        if question.missing:
            logger.warning("%s: no answer from nodes %s", operation, ", ".join(sorted(question.missing)))
        return question.answers

    @staticmethod
    def _give_up(question: _Question) -> None:
        if not question.done.done():
            question.done.set_result(None)

    async def _do(self, name: str, params: dict[str, Any]) -> Any:
        answer = self._operations[name](params)
        return await answer if isawaitable(answer) else answer

    def receive(self, data: bytes) -> None:
        """Take a message from the control channel."""
        try:
            message = _decode(data)
        except msgspec.DecodeError as error:
            logger.error("a message on the control channel cannot be read: %s", error)
            return
        if message.node != self._hub.node:
            if message.leaving:
                self._seen.pop(message.node, None)
            else:
                if message.node not in self._seen and message.kind == "alive":
                    self.announce()  # it is new, and does not know us either
                self._seen[message.node] = time.monotonic()
        if message.kind == "ask":
            self._hub.spawn(self._answer(message))
        elif message.kind == "answer":
            self._take(message)

    async def _answer(self, question: _Message) -> None:
        answer = _Message(self._hub.node, "answer", question.id)
        try:
            answer.answer = await self._do(question.operation, question.params)
        except Exception as error:
            logger.exception("%s for node %s failed", question.operation, question.node)
            answer.error = f"{type(error).__name__}: {error}"
        await self._send(answer, question.node)

    def _take(self, message: _Message) -> None:
        question = self._questions.get(message.id)
        if question is None or message.node not in question.missing:
            return
        question.missing.discard(message.node)
        if message.error:
            logger.warning("node %s: %s", message.node, message.error)
        else:
            question.answers[message.node] = message.answer
        if not question.missing:
            self._give_up(question)
