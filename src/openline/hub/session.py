"""One client: its commands, in their order, its subscriptions, and its end.

A session's life: a transport opens it, the connect command lets it in, and it ends once: by its client, its
transport, or `Session.disconnect`. Whatever way it ends, what it began is ended too: running commands are
cancelled, subscriptions closed, and ``on_disconnect`` is called, in this order.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import deque
from enum import IntEnum
from itertools import islice
from typing import TYPE_CHECKING, Any

from openline.hub.brokers.base import BrokerDown
from openline.hub.codes import Disconnect, DisconnectCode, ErrorCode, Refused, UnsubscribeCode, explain
from openline.hub.commands import COMMANDS
from openline.hub.commands.answer import Answer
from openline.hub.commands.leaving import detach, end_subscription, tidy_up
from openline.hub.eager import call, start
from openline.hub.subprotocols.base import BadFrame, NotJSON
from openline.hub.subprotocols.messages import (
    Call,
    CallRequest,
    Command,
    ConnectRequest,
    Error,
    HistoryRequest,
    PingRequest,
    PresenceRequest,
    PresenceStatsRequest,
    PublishRequest,
    Push,
    RefreshRequest,
    Reply,
    RPCRequest,
    SendRequest,
    SubRefreshRequest,
    SubscribeRequest,
    UnsubscribePush,
    UnsubscribeRequest,
)
from openline.hub.values import to_payload

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from openline.hub.hub import Hub
    from openline.hub.publication import Payload
    from openline.hub.rate import Allowance
    from openline.hub.subprotocols.base import Subprotocol
    from openline.hub.subscription import Subscription
    from openline.hub.transports.base import ClientRequest, Transport

__all__ = ["Session", "SessionState"]

logger = logging.getLogger("openline.hub")


class SessionState(IntEnum):
    """Where a session stands."""

    NEW = 0
    CONNECTING = 1
    CONNECTED = 2
    CLOSED = 3


class Session:
    """A client, as hooks see it.

    Attributes:
        client: Its id, unique over all nodes.
        user: The user's id; empty: anonymous, or not known yet.
        info: What the application says of the connection; None: nothing.
        meta: What the connection token says for the application alone.
        request: The HTTP request that the client came with.
        claimed: The user that its token names; None: it came without one.
        token: The connection token while ``on_connect`` runs, where the hub has no keys to verify it; else empty.
        name: What the client calls itself.
        version: Its version, as it says.
        subscriptions: By channel.
        expire_at: Seconds since 1970 when it ends unless it is refreshed; 0.0: never.
        connected_at: Seconds since 1970 when it was let in; 0.0: it was not.
        state: Where it stands.
        closed: Whether it has ended.
        pinged: It has not answered the last ping yet.
        secret: By what requests of its client are known, where it has to make some (emulation); never shown to
            anybody else.
            Empty: its transport goes both ways.
        slot: Its place in the hub's clock; -1: none.
        listed: The user that it is listed under, on this node.
        leaving: The code that it ends with once its commands are done; None: it stays.
        hub: The hub.
        transport: How it came.
        subprotocol: How its frames are encoded.
        allowances: What the publish rates of its channels leave; None: it has not published.
        storage: Anything that the application wants to keep with it; None at first.
    """

    __slots__ = (
        "_busy",
        "_due",
        "_ending",
        "_gathered",
        "_gathered_size",
        "_greeted",
        "_latest",
        "_paused",
        "_pending",
        "_pending_size",
        "_resting",
        "_running",
        "_tasks",
        "_waiting",
        "allowances",
        "claimed",
        "client",
        "closed",
        "connected_at",
        "expire_at",
        "hub",
        "info",
        "leaving",
        "listed",
        "meta",
        "name",
        "pinged",
        "request",
        "secret",
        "slot",
        "state",
        "storage",
        "subprotocol",
        "subscriptions",
        "token",
        "transport",
        "user",
        "version",
    )

    def __init__(
        self, hub: Hub, transport: Transport, subprotocol: Subprotocol, request: ClientRequest
    ) -> None:
        self.hub = hub
        self.transport = transport
        self.subprotocol = subprotocol
        self.request = request
        self.client = secrets.token_urlsafe(18)
        self.user = ""
        self.info: Payload | None = None
        self.meta: Mapping[str, Any] = {}
        self.name = ""
        self.version = ""
        self.state: SessionState = SessionState.NEW
        self.closed = False
        self.subscriptions: dict[str, Subscription] = {}
        self.expire_at = 0.0
        self.token = ""
        self.claimed: str | None = None
        self.connected_at = 0.0
        self.storage: Any = None
        self.allowances: dict[str, Allowance] | None = None
        self.pinged = False
        self.secret = secrets.token_urlsafe(24) if transport.emulated else ""
        self.slot = -1
        self.leaving: int | None = None
        self.listed = ""
        self._greeted = False
        self._running = 0
        self._busy: set[str] | None = None
        self._pending: deque[tuple[Command, int]] | None = None
        self._pending_size = 0
        self._paused = False
        self._resting = False
        self._tasks: set[asyncio.Task[None]] | None = None
        self._waiting: dict[Subscription, None] | None = None
        self._gathered: list[bytes] | None = None
        self._gathered_size = 0
        self._due = False
        self._latest: dict[str, Any] | None = None
        self._ending: dict[str, asyncio.Task[None]] | None = None

    def __repr__(self) -> str:
        return f"<Session {self.client} user {self.user!r} {self.state.name.lower()}>"

    @property
    def admitted(self) -> bool:
        """Whether it has been let in, and has not ended."""
        return self.state is SessionState.CONNECTED

    @property
    def reading_paused(self) -> bool:
        """Whether nothing is read from the client, since it has too many commands waiting."""
        return self._paused

    @property
    def encoding(self) -> str:
        """``json`` or ``protobuf``."""
        return self.subprotocol.name

    # Commands.

    def receive(self, frame: str | bytes) -> None:
        """Take a frame from the client; called by the transport."""
        if self.closed:
            return
        if self.state is _CONNECTED and not (self._running or self._pending or self._resting):
            call = self.subprotocol.decode_call(frame)
            if call is not None:
                self._call(call)
                return
        try:
            commands = self.subprotocol.decode(frame)
        except BadFrame:
            self.disconnect(DisconnectCode.BAD_REQUEST)
            return
        for at, command in enumerate(commands):
            if at == AT_ONCE:
                self._rest()
            if not command.id and command.send is None:
                self._pong(command)
            elif self._running or self._pending or self._resting:
                self._wait(command, len(frame) // len(commands))
            elif not self._run(command):
                return  # a connect was refused: what came with it is discarded
            if self.closed:
                return

    def _call(self, call: Call | Command) -> None:
        """Begin an RPC or a message: as `_run`, for what is known to be one."""
        self._running += 1
        task = self._begin(call, call.rpc if isinstance(call, Call) else call.send)
        if task is None:
            self._running -= 1
        else:
            self._follow(task, "")

    def _pong(self, command: Command) -> None:
        """The answer to a ping, empty; one that nobody asked for is an error."""
        if command != _EMPTY or not self.pinged:
            self.disconnect(DisconnectCode.BAD_REQUEST)
        self.pinged = False

    def _wait(self, command: Command, size: int) -> None:
        if self._pending is None:
            self._pending = deque()
        size += _COMMAND_OVERHEAD
        self._pending.append((command, size))
        self._pending_size += size
        if self.hub.options.concurrency > 1 and self.state is SessionState.CONNECTED and not self._resting:
            self._run_waiting()
        if self._pending_size > self.hub.options.max_waiting_commands and not self._paused:
            self._paused = True
            self.transport.pause()

    def _run(self, command: Command) -> bool:
        """Begin a command; False: it is done, and was a connect that failed."""
        request = request_of(command)
        channel = ""
        if self.hub.options.concurrency > 1:
            channel = getattr(request, "channel", "")
            if channel:
                if self._busy is None:
                    self._busy = set()
                self._busy.add(channel)
        self._running += 1
        task = self._begin(command, request)
        if task is None:
            self._ended(channel)
            return self.state is not _NEW
        self._follow(task, channel)
        return True

    def _follow(self, task: asyncio.Task[None], channel: str) -> None:
        """Go on with what waits once the command is done."""
        if self._tasks is None:
            self._tasks = set()
        self._tasks.add(task)

        def done(task: asyncio.Task[None]) -> None:
            if self._tasks is not None:
                self._tasks.discard(task)
            self._ended(channel)
            self._run_waiting()

        task.add_done_callback(done)

    def _ended(self, channel: str) -> None:
        self._running -= 1
        if channel and self._busy is not None:
            self._busy.discard(channel)

    def _rest(self) -> None:
        """Let others have their turn of the loop, before what waits goes on."""
        if not self._resting:
            self._resting = True
            self.hub.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._resting = False
        self._run_waiting()

    def _run_waiting(self) -> None:
        """Begin what has waited, as far as it may run now."""
        begun = 0
        while self._pending and not self.closed:
            begun += 1
            if begun > AT_ONCE:
                self._rest()
                break
            if self._running and (
                self._running >= self.hub.options.concurrency or self.state is not SessionState.CONNECTED
            ):
                break
            at = self._next_waiting()
            if at is None:
                break
            command, size = self._pending[at]
            del self._pending[at]
            self._pending_size -= size
            self._run(command)
        if self.leaving is not None and not self._running and not self._pending:
            self.disconnect(self.leaving)
        elif self._paused and self._pending_size <= self.hub.options.max_waiting_commands // 2:
            self._paused = False
            self.transport.resume()

    def _next_waiting(self) -> int | None:
        """The place of the first command whose channel nothing that comes before it works on."""
        assert self._pending is not None
        if not self._busy:
            return 0
        blocked = set(self._busy)
        for at, (command, _) in enumerate(islice(self._pending, _LOOKAHEAD)):
            channel = channel_of(command)
            if not channel or channel not in blocked:
                return at
            blocked.add(channel)
        return None

    def _begin(self, command: Command | Call, request: Any) -> asyncio.Task[None] | None:
        """Work on a command as far as it goes without waiting; return the task that goes on, or None: it is done."""
        name = _METHODS.get(request.__class__)
        try:
            if name is None or self.state is not (_NEW if name == "connect" else _CONNECTED):
                raise Disconnect(DisconnectCode.BAD_REQUEST)
            commands = self.hub.counters.commands
            commands[name] = commands.get(name, 0) + 1
            answer = COMMANDS[name](self, request)
            if answer is None:
                return None
            if not isinstance(answer, Answer):
                return start(self._finish(command, name, answer), self.hub.loop)
            if not self.closed:
                self._answer(command, name, answer)
        except Exception as error:
            self._fail(command, name, error)
        return None

    async def _finish(
        self, command: Command | Call, name: str, coroutine: Coroutine[Any, Any, Answer | None]
    ) -> None:
        try:
            answer = await coroutine
            if answer is not None and not self.closed:
                self._answer(command, name, answer)
        except Exception as error:
            self._fail(command, name, error)

    def _fail(self, command: Command | Call, name: str | None, error: Exception) -> None:
        match error:
            case Refused():
                self._refuse(command, error)
            case Disconnect():
                self.disconnect(error.code, error.reason)
            case NotJSON():
                self.disconnect(DisconnectCode.INAPPROPRIATE_PROTOCOL)
            case BrokerDown():
                self.hub.counters.broker_errors += 1
                logger.warning("%s of %r failed: %s", name, self, error)
                self._refuse(command, Refused(ErrorCode.INTERNAL))
            case _:
                logger.error("%s of %r failed", name, self, exc_info=error)
                self._refuse(command, Refused(ErrorCode.INTERNAL))

    def _answer(self, command: Command | Call, name: str, answer: Answer) -> None:
        after = answer.after
        unit = self.subprotocol.encode_result(command.id, name, answer.result)
        if after is None and len(unit) > self.hub.options.max_queue_size:
            # It would end the session as a slow one, and again whenever that comes back and asks.
            raise Refused(ErrorCode.LIMIT_EXCEEDED)
        if self._gathered is None:
            self.transport.write(unit)
        else:
            self.write(unit)
        if after is not None:
            after()

    def _refuse(self, command: Command | Call, refusal: Refused) -> None:
        if self.closed:
            return
        self.hub.counters.count_error(refusal.code)
        if self.state is SessionState.CONNECTING:
            # What came with it is discarded; it may try again until `connect_timeout`.
            self.state: SessionState = SessionState.NEW
            self.hub.dismiss(self)
            for subscription in tuple(self.subscriptions.values()):
                if detach(subscription):
                    self.tidy_up(subscription, UnsubscribeCode.DISCONNECT, UnsubscribeCode.DISCONNECT.reason)
            if self._pending:
                self._pending.clear()
                self._pending_size = 0
        if command.id:
            error = Error(refusal.code, refusal.message, refusal.temporary)
            self.write(self.subprotocol.encode(Reply(id=command.id, error=error)))

    # What it is told.

    def write(self, unit: bytes) -> None:
        """Send a unit, behind what was gathered."""
        if not self.closed:
            if self._gathered is not None:
                self._flush()
            if not self.closed:
                self.transport.write(unit)

    def gather(self, unit: bytes, delay: float) -> None:
        """Send a unit within ``delay`` seconds, together with others."""
        if self._gathered is None:
            self._gathered = []
            self.hub.loop.call_later(delay, self._flush)
        self._gathered.append(unit)
        self._gathered_size += len(unit)
        self.hub.counters.batched += 1
        if self._gathered_size >= MOST_GATHERED:
            self._flush()

    def _flush(self) -> None:
        gathered, self._gathered = self._gathered, None
        self._gathered_size = 0
        if gathered and not self.closed:
            self.transport.write(self.subprotocol.join(gathered))

    def send(self, data: Any) -> None:
        """Push a message to this client alone, outside of all channels.

        Args:
            data: Any JSON-able object (None: null), or bytes as they are.

        Raises:
            NotJSON: the client speaks JSON, and ``data`` are bytes that are not.
        """
        if type(data) is not bytes:
            data = bytes(to_payload(data))
        unit = self.subprotocol.encode_message(data)
        if self._gathered is None and not self.closed:
            self.transport.write(unit)
        else:
            self.write(unit)

    def send_latest(self, data: Any, *, key: str = "") -> bool:
        """Push a message of which only the newest waits: a state, of which none but the last counts.

        While the client is behind (more than ``write_high`` bytes wait for it), the message is kept in place of the one
        before it, and leaves when the client has caught up.

        Args:
            data: As in `send`. Or a function without arguments: it is called when the message leaves, and returns the
                data, or None: there is nothing to say any more. One that was replaced is never called.
            key: What it is the newest of; of each key one waits, of at most `MOST_LATEST` keys.

        Returns:
            True: it has left. False: it waits, or there was nothing to say, or the session has ended.

        Raises:
            NotJSON: the client speaks JSON, and ``data`` are bytes that are not; logged, where it has waited.
            ValueError: too many keys wait.
            Exception: what the function raises; logged, where it has waited.
        """
        if self.closed:
            return False
        waiting = self._latest
        if waiting and key in waiting:
            del waiting[key]
            self.hub.counters.conflated += 1
        if self.transport.unsent <= self.hub.write_high:
            return self._send_latest(data)
        if waiting is None:
            waiting = self._latest = {}
        elif len(waiting) >= MOST_LATEST:
            raise ValueError(f"messages of {MOST_LATEST} keys wait already")
        waiting[key] = data
        return False

    def _send_latest(self, data: Any) -> bool:
        if callable(data):
            data = data()
            if data is None:
                return False
        self.send(data)
        return True

    def push(self, push: Push) -> None:
        """Send a push."""
        self.write(self.subprotocol.encode(Reply(push=push)))

    # Slow clients; called by the transport, and by channels.

    def waits(self, subscription: Subscription, delay: float) -> None:
        """Publications of a subscription wait until the client has caught up, and ``delay`` seconds at least."""
        if self._waiting is None:
            self._waiting = {}
        self._waiting[subscription] = None
        if delay and not self._due:
            self._due = True
            self.hub.loop.call_later(delay, self._fall_due)

    def _fall_due(self) -> None:
        self._due = False
        if not self.closed and self.transport.unsent <= self.hub.write_high:
            self.drained()

    def drained(self) -> None:
        """The client has caught up: send what waits for it, in frames of some size; called by the transport."""
        while self._latest and self.transport.unsent <= self.hub.write_high:
            data = self._latest.pop(next(iter(self._latest)))
            try:
                self._send_latest(data)
            except Exception:
                logger.exception("a message that has waited for %r could not be sent", self)
        if self._latest:
            return  # the rest when it has taken these
        units: list[bytes] = []
        size = 0
        while self._waiting:
            subscription = next(iter(self._waiting))
            unit = subscription.channel.take_waiting(subscription)
            if unit is None:
                if self._waiting:
                    self._waiting.pop(subscription, None)
                continue
            units.append(unit)
            size += len(unit)
            if size >= MOST_GATHERED:
                self.write(self.subprotocol.join(units))
                units, size = [], 0
                if self.transport.unsent > self.hub.write_high:
                    return  # the rest when it has taken these
        if units:
            self.write(self.subprotocol.join(units))

    def overrun(self) -> None:
        """More than ``max_queue_size`` bytes would wait for the client; called by the transport."""
        self.hub.counters.overruns += 1
        self.disconnect(DisconnectCode.SLOW, drop=True)

    # Its end.

    def end_subscription(
        self, subscription: Subscription, code: int = UnsubscribeCode.SERVER, reason: str | None = None
    ) -> None:
        """End a subscription, and tell the client.

        Args:
            subscription: One of this session's.
            code: An `UnsubscribeCode`: from 2500 on the client subscribes again by itself.
            reason: None: the standard text of the code.
        """
        channel = subscription.channel.name
        if not detach(subscription):
            return
        if reason is None:
            reason = explain(code)
        self.tidy_up(subscription, code, reason, later=True)
        self.push(Push(channel=channel, unsubscribe=UnsubscribePush(code=int(code), reason=reason)))

    def tidy_up(
        self, subscription: Subscription, code: int, reason: str, *, later: bool = False
    ) -> asyncio.Task[None] | None:
        """Do what follows the end of a subscription that was detached, to its end.

        Args:
            subscription: The subscription.
            code: Why it has ended.
            reason: The same in words.
            later: Begin in the next turn. A channel may be in the middle of a publication, and a hook that
                publishes must not come before that.

        Returns:
            None: it is done. Else the task that does it.
        """
        task = self.hub.spawn(tidy_up(subscription, code, reason), later=later)
        if task is not None:
            name = subscription.channel.name
            ending = self._ending
            if ending is None:
                ending = self._ending = {}
            ending[name] = task

            def done(task: asyncio.Task[None]) -> None:
                if ending.get(name) is task:
                    del ending[name]

            task.add_done_callback(done)
        return task

    def tidying(self, channel: str) -> asyncio.Task[None] | None:
        """Return what still tidies up after this session's last subscription of a channel; None: nothing does."""
        return None if self._ending is None else self._ending.get(channel)

    def disconnect(
        self,
        code: int = DisconnectCode.FORCE_NO_RECONNECT,
        reason: str | None = None,
        *,
        drop: bool = False,
    ) -> None:
        """End the session. Idempotent.

        Args:
            code: A `DisconnectCode`, or 4000 to 4999 of the application's own.
            reason: None: the standard text of the code.
            drop: Throw away what waits to be sent, instead of sending it first.
        """
        if self.closed:
            return
        order = Disconnect(code, reason)
        if not drop and self._gathered is not None:
            self._flush()
        if self.closed:
            return
        self.state, self.closed = SessionState.CLOSED, True
        self.transport.close(order.code, order.reason, drop=drop)
        self._end(order.code, order.reason)

    def disconnect_when_idle(self, code: int) -> None:
        """End it once the commands that came are done; at once, where there are none."""
        if not self._running and not self._pending:
            self.disconnect(code)
        elif self.leaving is None:
            self.leaving = code

    def expire(self) -> None:
        """Its time, and the grace for a refresh, are over."""
        self.disconnect(DisconnectCode.EXPIRED)

    def gone(self) -> None:
        """The client is gone; called by the transport, once."""
        if not self.closed:
            self.state, self.closed = SessionState.CLOSED, True
            self._end(DisconnectCode.CONNECTION_CLOSED, DisconnectCode.CONNECTION_CLOSED.reason)

    def _end(self, code: int, reason: str) -> None:
        self.hub.counters.count_disconnect(code)
        self._pending = self._gathered = self._waiting = self._latest = None
        here = asyncio.current_task(self.hub.loop)
        others = [task for task in self._tasks or () if task is not here]
        for task in others:
            task.cancel()
        # Out of every channel now: nothing may be sent any more.
        for subscription in self.subscriptions.values():
            subscription.channel.leave(subscription)
        self.hub.forget(self)
        # In the next turn: a command may be in the middle of its first step, or a channel of a publication.
        self.hub.loop.call_soon(self._begin_clean_up, code, reason)

    def _begin_clean_up(self, code: int, reason: str) -> None:
        if self._running:
            # The command that has ended the session is waiting for something by now.
            here = asyncio.current_task(self.hub.loop)
            for task in self._tasks or ():
                if task is not here:
                    task.cancel()
        self.hub.spawn(self._clean_up(code, reason))

    async def _clean_up(self, code: int, reason: str) -> None:
        if self._tasks:
            # The one that has ended the session is among them; the others were cancelled.
            await asyncio.wait(self._tasks)
        for subscription in list(self.subscriptions.values()):
            await end_subscription(
                subscription, UnsubscribeCode.DISCONNECT, UnsubscribeCode.DISCONNECT.reason
            )
        if self._ending:
            await asyncio.wait(list(self._ending.values()))
        if self._greeted:
            self._greeted = False
            hook = self.hub.hooks.get("disconnect")
            if hook is not None:
                try:
                    await call(hook, self, code, reason)
                except Exception:
                    logger.exception("on_disconnect of %r failed", self)

    @property
    def room(self) -> int:
        """Bytes that may be sent to the client before it counts as too slow."""
        return max(self.hub.options.max_queue_size - self.transport.unsent, 0)

    def check_open(self) -> None:
        """Raise `Disconnect` where the session has ended: what a hook has said of it is of no use any more."""
        if self.closed:
            raise Disconnect(DisconnectCode.CONNECTION_CLOSED)

    def greet(self) -> None:
        """``on_connect`` has returned: ``on_disconnect`` is owed."""
        self._greeted = True

    def begin_connecting(self) -> None:
        """Its connect command is being worked on."""
        self.state = SessionState.CONNECTING

    def connected(self) -> None:
        """It is let in.

        Raises:
            Disconnect: it has ended meanwhile.
        """
        self.check_open()
        self.state = SessionState.CONNECTED
        self.connected_at = time.time()


_COMMAND_OVERHEAD = 200
"""Bytes that a waiting command takes, about, besides those of its frame."""

_LOOKAHEAD = 32
"""Commands among which one is looked for whose channel is free: each that comes looks again."""

MOST_LATEST = 64
"""Keys of which a newest message waits for a slow client."""

AT_ONCE = 64
"""Commands of one session that run in one turn of the loop: each may be a publication to thousands."""

MOST_GATHERED = 2**14
"""Bytes that are gathered for one frame before it leaves at once."""

_NEW, _CONNECTED = SessionState.NEW, SessionState.CONNECTED

_EMPTY = Command()


_METHODS: dict[type, str] = {
    PingRequest: "ping",
    RPCRequest: "rpc",
    CallRequest: "rpc",
    SendRequest: "send",
    ConnectRequest: "connect",
    SubscribeRequest: "subscribe",
    UnsubscribeRequest: "unsubscribe",
    PublishRequest: "publish",
    PresenceRequest: "presence",
    PresenceStatsRequest: "presence_stats",
    HistoryRequest: "history",
    RefreshRequest: "refresh",
    SubRefreshRequest: "sub_refresh",
}
assert set(_METHODS.values()) == set(COMMANDS) == set(Command.__struct_fields__[1:])


def request_of(command: Command) -> Any:
    """Return what a command asks for: the first that is not None. None: nothing."""
    # On the path of every command. Records are true.
    return (
        command.connect
        or command.subscribe
        or command.unsubscribe
        or command.publish
        or command.presence
        or command.presence_stats
        or command.history
        or command.ping
        or command.send
        or command.rpc
        or command.refresh
        or command.sub_refresh
    )


def channel_of(command: Command) -> str:
    """Return the channel that a command is about; empty: none."""
    return getattr(request_of(command), "channel", "")
