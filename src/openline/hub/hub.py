"""`Hub`: channels and people, for the SDKs that people already have."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from openline.hub.auth.tokens import TokenVerifier
from openline.hub.brokers import open_broker
from openline.hub.brokers.base import BrokerDown
from openline.hub.channel_table import ChannelTable
from openline.hub.clock import Clock
from openline.hub.codes import Disconnect, DisconnectCode, ErrorCode, Refused
from openline.hub.counters import Counters
from openline.hub.eager import start
from openline.hub.hooks import CHANNEL_HOOKS, HUB_HOOKS, ChannelHooks, Hooks, accepting
from openline.hub.namespace import NAME, ChannelOptions, namespace_of
from openline.hub.nodes import Nodes
from openline.hub.operations import Operations
from openline.hub.options import HubOptions
from openline.hub.server_side import ServerSide
from openline.hub.session import Session
from openline.hub.sync import HubSync
from openline.hub.users import Users
from openline.version import __version__
from openline.websocket.options import DEFAULT_WRITE_LIMIT

if TYPE_CHECKING:
    from openline.hub.brokers.base import Broker
    from openline.hub.publication import ClientInfo
    from openline.hub.subprotocols.base import Subprotocol
    from openline.hub.subscription import Subscription
    from openline.hub.transports.base import ClientRequest, Transport
    from openline.hub.transports.serving import Mount
    from openline.websocket.http import HTTPHandler
    from openline.websocket.server_connection import ServerConnection
    from openline.websocket.serving import Serving

__all__ = ["Hub", "Namespace"]

F = TypeVar("F", bound=Callable[..., Any])

logger = logging.getLogger("openline.hub")


class Namespace(ChannelHooks):
    """The channels whose names begin with ``name:``; made by `Hub.namespace`.

    Attributes:
        name: The namespace's name; empty for channels without one.
        options: What holds for them.
        hooks: The functions that were registered; where there is none, the hub's holds.
    """

    def __init__(self, name: str, options: ChannelOptions, fallback: Hooks) -> None:
        self.name = name
        self.options = options
        self.hooks = Hooks(CHANNEL_HOOKS, fallback)

    def __repr__(self) -> str:
        return f"<Namespace {self.name!r}>"


class Hub(ChannelHooks, ServerSide):
    """Channels with presence, history and recovery, RPC and messages, for clients that speak the Centrifuge protocol.

    ::

        hub = Hub()
        chat = hub.namespace("chat", history=100, ttl=3600, recovery=True)

        @hub.on_connect
        async def who(session):
            return await user_of(session.request)

        await openline.serve(hub, "127.0.0.1", 8000)

    Without ``on_connect`` and without keys for tokens nobody gets in. Everything runs in the loop in which the hub was
    started; other threads use `sync`.

    Args:
        broker: What carries and keeps publications: ``memory://`` (also None), ``sqlite:///path``,
            ``redis://host:port/db``, or a `Broker`.
        name: This node's name, for people. None: the host's name and the process id.
        options: Fields of `HubOptions`.

    Raises:
        TypeError, ValueError: an option is unknown, or makes no sense.

    Attributes:
        options: The options.
        hooks: The functions that were registered.
        broker: The broker.
        sessions: This node's sessions that were let in, by client id.
        emulated: Those of them whose commands come by separate requests, by their secret.
        users: The same by user.
        guests: Sessions of lines that speak other protocols and have no channels, by user: they can be disconnected.
        table: The channels that this node listens to.
        nodes: The other nodes.
        counters: What was counted.
        node: This node's id, unique.
        draining: The hub is shutting down.
        started_at: When it was started, in seconds since 1970; 0.0: it was not.
        connection_tokens: Verifies connection tokens; None: there are no keys.
        subscription_tokens: The same of subscription tokens.
    """

    write_high = DEFAULT_WRITE_LIMIT
    """Unsent bytes above which a client counts as slow."""

    def __init__(
        self, broker: str | Broker | None = None, *, name: str | None = None, **options: Any
    ) -> None:
        self.options: HubOptions = HubOptions(**options)
        self.hooks = Hooks(HUB_HOOKS)
        self.broker: Broker = open_broker(broker or "memory://") if isinstance(broker, str | None) else broker
        self.name = name or f"{socket.gethostname()}_{os.getpid()}"
        self.node = secrets.token_hex(8)
        self.version = f"openline {__version__}"
        self.sessions: dict[str, Session] = {}
        self.emulated: dict[str, Session] = {}
        self.users = Users()
        self.guests = Users()
        self.counters = Counters()
        self.rpc_handlers: dict[str, Callable[..., Any]] = {}
        self.draining = False
        self.started_at = 0.0
        self.connection_tokens: TokenVerifier | None = None
        self.subscription_tokens: TokenVerifier | None = None
        self.sync = HubSync(self)
        self.table = ChannelTable(self)
        self.nodes = Nodes(self)
        self._namespaces: dict[str, Namespace] = {}
        self._unknown = Namespace("", ChannelOptions(), self.hooks)
        self._operations = Operations(self)
        self._clock: Clock | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting: asyncio.Task[None] | None = None
        self._open: dict[Session, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._emptied: asyncio.Event | None = None
        self._use_tokens()

    def __repr__(self) -> str:
        return f"<Hub {self.name} {len(self.sessions)} sessions>"

    # What is declared.

    def namespace(self, name: str, /, **options: Any) -> Namespace:
        """Declare a namespace: its channels exist from now on.

        Args:
            name: What stands before the colon in their names: letters, digits, ``-``, ``_`` and ``.``, two at
                least. Empty: channels without a namespace.
            options: Fields of `ChannelOptions`.

        Raises:
            ValueError: there is one of that name, the name is malformed, or options contradict each other.
            TypeError: an option is unknown.
        """
        if name in self._namespaces:
            raise ValueError(f"there is a namespace {name!r} already")
        return self.set_namespace(name, ChannelOptions(**options))

    def set_namespace(self, name: str, options: ChannelOptions) -> Namespace:
        """Declare a namespace, or give one that there is other options; what is subscribed already keeps the old ones.

        Raises:
            ValueError: the name is malformed.
        """
        if name and not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name for a namespace: {NAME.pattern}")
        known = self._namespaces.get(name)
        if known is None:
            known = self._namespaces[name] = Namespace(name, options, self.hooks)
        else:
            known.options = options
        return known

    def remove_namespace(self, name: str) -> None:
        """Make a namespace unknown again; what is subscribed stays. Idempotent."""
        self._namespaces.pop(name, None)

    @property
    def namespaces(self) -> dict[str, Namespace]:
        """The namespaces by name; a new dict each time."""
        return dict(self._namespaces)

    def options_of(self, channel: str) -> ChannelOptions:
        """Return what holds for a channel.

        Raises:
            Refused: 102, its namespace is not known; 107, the name is empty, or too long.
        """
        return self._namespace_of(channel).options

    def hooks_of(self, channel: str) -> Hooks:
        """Return the hooks of a channel: its namespace's, or the hub's."""
        namespace = self._namespaces.get(namespace_of(channel))
        return self.hooks if namespace is None else namespace.hooks

    def _namespace_of(self, channel: str) -> Namespace:
        if not channel or len(channel) > self.options.max_channel_length:
            raise Refused(ErrorCode.BAD_REQUEST)
        known = self._namespaces.get(namespace_of(channel))
        if known is not None:
            return known
        personal = self.options.user_personal_channel and channel.startswith("#")
        if self.options.insecure or personal:
            return self._unknown
        raise Refused(ErrorCode.UNKNOWN_CHANNEL)

    def on_connect(self, function: F) -> F:
        """Register ``(session, data)``: who is it, and may he in?

        ``session.request`` has what the HTTP request said, ``session.user`` what a token said that was verified. It
        returns a user id, `Connect`, or None (as it is; without a token that is anonymous); or it raises
        `Unauthorized`, `Refused` or `Disconnect`. Like all hooks it may be ``async``, and may leave out arguments
        at the end.
        """
        return self.hooks.register("connect", function)

    def on_refresh(self, function: F) -> F:
        """Register ``(session, token)``: a client brings a new token; it returns None, or `Connect` with a new
        ``expire_at``."""
        return self.hooks.register("refresh", function)

    def on_disconnect(self, function: F) -> F:
        """Register ``(session, code, reason)``; called once for each session whose ``on_connect`` returned, after
        all else."""
        return self.hooks.register("disconnect", function)

    def on_message(self, function: F) -> F:
        """Register ``(session, data)``: a client has sent a message that wants no answer."""
        return self.hooks.register("message", function)

    def rpc(self, method: str) -> Callable[[F], F]:
        """Register ``(session, data)`` as the handler of an RPC method; what it returns is the answer."""

        def register(function: F) -> F:
            if method in self.rpc_handlers:
                raise ValueError(f"there is a handler of rpc {method!r} already")
            self.rpc_handlers[method] = accepting(function, ("session", "data"), f"rpc {method!r}")
            return function

        return register

    def set_tokens(self, options: HubOptions) -> None:
        """Verify tokens by the keys of these options from now on; the others of them are not looked at.

        Raises:
            ValueError: a key is none; then the old ones stay.
        """
        before: HubOptions = self.options
        self.options = replace(before, token=options.token, subscription_token=options.subscription_token)
        try:
            self._use_tokens()
        except ValueError:
            self.options = before
            raise

    def _use_tokens(self) -> None:
        token = self.options.token
        subscription = self.options.subscription_token or token
        connections = TokenVerifier(token) if token.enabled else None
        if subscription is token:
            subscriptions = connections
        else:
            subscriptions = TokenVerifier(subscription) if subscription.enabled else None
        # The old ones go only now: a key that is none has raised before.
        for verifier in (self.connection_tokens, self.subscription_tokens):
            if verifier is not None:
                verifier.close()
        self.connection_tokens, self.subscription_tokens = connections, subscriptions

    # Its life.

    @property
    def own_loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop that the hub was started in; None: it was not."""
        return self._loop

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the hub was started in."""
        if self._loop is None:
            raise RuntimeError(f"{self!r} was not started")
        return self._loop

    async def start(self) -> None:
        """Connect to the broker, and begin. Called by whatever serves the hub; idempotent.

        Raises:
            BrokerDown: the broker cannot be reached.
            RuntimeError: it was started in another loop.

        Cancel: safe; starting goes on.
        """
        await self.started()

    async def started(self) -> Broker:
        """Start the hub, unless it was; return the broker."""
        loop = asyncio.get_running_loop()
        if self.started_at:
            if self._loop is not loop:
                raise RuntimeError(f"{self!r} runs in another loop; use hub.sync")
            return self.broker
        if self._closing:
            raise BrokerDown("the hub is being closed")
        # Once closed, it may start again in another loop.
        if self._starting is None:
            self._loop = loop
        if self._starting is None:
            self._starting = loop.create_task(self._start())
        starting = self._starting
        try:
            await asyncio.shield(starting)
        finally:
            if starting.done() and self._starting is starting and not self.started_at:
                self._starting = None  # it failed, and may be tried again
        return self.broker

    async def _start(self) -> None:
        self._warn()
        self.draining = False
        await self.broker.start(self.table, self.node)
        self._clock = Clock(self)
        self._clock.start()
        self.started_at = time.time()
        self.nodes.start()

    def _warn(self) -> None:
        if self.options.insecure:
            logger.warning(
                "INSECURE: this hub lets everybody in, and everybody may do everything. For development only!"
            )
        elif self.hooks.get("connect") is None and self.connection_tokens is None:
            logger.warning("nobody can connect: there is neither an on_connect nor a key for tokens")

    async def drain(self, seconds: float | None = None) -> None:
        """Send all sessions away, spread over some time, such that they come back elsewhere. Nobody is let in any more.

        Args:
            seconds: How long that may take. None: the option ``drain``. Commands that are running then have
                `SETTLE_TIMEOUT` to finish.

        Cancel: safe; the sessions that are left stay.
        """
        self.draining = True
        over = self.options.drain if seconds is None else seconds
        sessions = list(self._open)
        begin = time.monotonic()
        for at, session in enumerate(sessions):
            due = begin + over * at / max(len(sessions), 1)
            wait = due - time.monotonic()
            if wait > 0.01:
                await asyncio.sleep(wait)
            session.disconnect_when_idle(DisconnectCode.SHUTDOWN)
        for session in list(self._open):
            session.disconnect_when_idle(DisconnectCode.SHUTDOWN)
        if self._open:
            self._emptied = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_TIMEOUT):
                    await self._emptied.wait()
        await self._settle()

    async def _settle(self) -> None:
        """Wait until what sessions have begun is done, cleaning up after them included; what takes too long is
        cancelled."""
        deadline = time.monotonic() + SETTLE_TIMEOUT
        while self._tasks:
            left = deadline - time.monotonic()
            if left <= 0:
                logger.error("%d hooks or tasks of %r do not end, and are cancelled", len(self._tasks), self)
                for task in self._tasks:
                    task.cancel()
                await asyncio.wait(list(self._tasks), timeout=1.0)
                return
            await asyncio.wait(list(self._tasks), timeout=left, return_when=asyncio.FIRST_COMPLETED)

    async def close(self) -> None:
        """End it: all sessions are closed with 3001, and the broker. Idempotent."""
        self.draining = True
        starting = self._starting
        if starting is not None and not self.started_at:
            self._starting = None
            starting.cancel()
            await asyncio.wait([starting])
            await self.broker.close()
        self.dismiss_all()
        await asyncio.sleep(0)  # for those that end in the next turn
        await self._settle()
        if self.started_at:
            self.nodes.announce(leaving=True)
            await self._settle()
            if self._clock is not None:
                self._clock.stop()
            self.started_at = 0.0
            self._starting = None
            self._closing = True
            try:
                await self.broker.close()
            finally:
                self._closing = False
        for verifier in (self.connection_tokens, self.subscription_tokens):
            if verifier is not None:
                verifier.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def serving(self, *, http: HTTPHandler | None = None) -> Serving:
        """Say how `openline.serve` is to serve this hub.

        Args:
            http: Gets the HTTP requests that are not the hub's. None: they are answered with 404.
        """
        return self.beside(None).serving(http=http)

    def beside(
        self, handler: Callable[[ServerConnection], Awaitable[None]] | None, *, prefix: str = ""
    ) -> Mount:
        """Serve other WebSockets on the same port: ``openline.serve(hub.beside(echo), host, port)``.

        Args:
            handler: Gets the connections that are not for the hub, as if it were given to ``serve``. None: there
                are none.
            prefix: What stands before the hub's paths: ``/realtime``.
        """
        # Here, since transports stand above the hub.
        from openline.hub.transports.serving import Mount

        return Mount(self, handler, prefix)

    def dismiss_all(self) -> None:
        """End all sessions with 3001; what closes the server calls this."""
        for session in list(self._open):
            session.disconnect(DisconnectCode.SHUTDOWN)

    # For the rest of the hub.

    def spawn(
        self, coroutine: Coroutine[Any, Any, None], *, later: bool = False
    ) -> asyncio.Task[None] | None:
        """Run a coroutine of ours, to its end.

        Args:
            coroutine: It raises nothing.
            later: Begin in the next turn of the loop, instead of here.

        Returns:
            None: it is done. Else the task, which nobody need wait for.
        """
        task = self.loop.create_task(coroutine) if later else start(coroutine, self.loop)
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("a task of %r failed", self, exc_info=task.exception())

    async def pause(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def note(self, session: Session, what: str) -> None:
        """Log something that a client did wrong."""
        logger.info("%r: %s", session, what)

    def open_session(self, transport: Transport, subprotocol: Subprotocol, request: ClientRequest) -> Session:
        """A client has come; called by its transport. The hub must have been started."""
        session = Session(self, transport, subprotocol, request)
        self._open[session] = None
        assert self._clock is not None
        self._clock.expect(session)
        return session

    def admit(self, session: Session) -> None:
        """A session has said who it is.

        Raises:
            Disconnect: 3504, its user has too many, or there are too many.
        """
        most = self.options.max_sessions_per_user
        if most is not None and session.user and len(self.users.of(session.user)) >= most:
            raise Disconnect(DisconnectCode.CONNECTION_LIMIT)
        most = self.options.max_sessions
        if most is not None and len(self.sessions) >= most:
            # Asked once more: others may have come in while the application was asked about this one.
            raise Disconnect(DisconnectCode.CONNECTION_LIMIT)
        self.sessions[session.client] = session
        if session.secret:
            self.emulated[session.secret] = session
        self.counters.connections_opened += 1
        self.users.add(session)
        assert self._clock is not None
        self._clock.add(session)

    def dismiss(self, session: Session) -> None:
        """It could not be let in after all. Idempotent."""
        self.sessions.pop(session.client, None)
        self.emulated.pop(session.secret, None)
        self.users.remove(session)
        if self._clock is not None:
            self._clock.remove(session)

    def forget(self, session: Session) -> None:
        """It has ended."""
        self._open.pop(session, None)
        if self._emptied is not None and not self._open:
            self._emptied.set()
        self.guests.remove(session)
        self.dismiss(session)
        if self._clock is not None:
            self._clock.forget(session)

    def watch_expiry(self, what: Session | Subscription) -> None:
        """End it when its time is over, unless it has ended already."""
        assert self._clock is not None
        session = what if isinstance(what, Session) else what.session
        if not session.closed:
            self._clock.watch(what)

    def unwatch_expiry(self, what: Session | Subscription) -> None:
        """It has ended. Idempotent."""
        if self._clock is not None:
            self._clock.unwatch(what)

    async def announce_join(self, subscription: Subscription) -> None:
        """Tell the channel that somebody came."""
        try:
            await self.broker.publish_join(subscription.channel.name, subscription.info)
        except BrokerDown as error:
            self.counters.broker_errors += 1
            logger.warning("%r was not announced: %s", subscription, error)

    async def renew_presence(self) -> None:
        """Tell the broker that who is present still is, in batches."""
        try:
            entries: list[tuple[str, str, ClientInfo]] = []
            for channel in self.table.all():
                for client, subscription in channel.subscriptions.items():
                    if subscription.present:
                        entries.append((channel.name, client, subscription.info))
                if len(entries) >= RENEWED_AT_ONCE:
                    await self.broker.renew_presence(entries)
                    entries = []
                    await asyncio.sleep(0)
            await self.broker.renew_presence(entries)
            await self.broker.renew_occupation([one.name for one in self.table.all() if one.listening])
        except BrokerDown as error:
            self.counters.broker_errors += 1
            logger.warning("presence was not renewed: %s", error)


SETTLE_TIMEOUT = 10.0
"""Seconds that hooks have when the hub is drained or closed; then they are cancelled."""

RENEWED_AT_ONCE = 1000
"""Presence entries in one call of the broker."""
