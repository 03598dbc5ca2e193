"""centrifuge-python."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, is_dataclass
from typing import Any

import centrifuge

from .client import SDK, Address, Client, GetToken, ReplyError, Settings


class PythonSDK(SDK):
    """It speaks WebSocket alone; it knows neither `send` nor messages to one client."""

    lacks = frozenset({"message", "send"})

    def __init__(self, encoding: str) -> None:
        self.name = f"python-{encoding}"
        self.encoding = encoding

    @contextlib.asynccontextmanager
    async def client(self, address: Address, settings: Settings) -> AsyncIterator[Client]:
        client = PythonClient(self, address, settings)
        try:
            yield client
        finally:
            await client.disconnect()
            # It closes its transport in the background, and has no call that waits for that.
            while left := set(client.sdk._background_tasks):
                await asyncio.wait(left)


class PythonClient(Client):
    def __init__(self, sdk: PythonSDK, address: Address, settings: Settings) -> None:
        super().__init__()
        self._binary = sdk.encoding == "protobuf"
        self._subs: dict[str, Any] = {}
        self.sdk = centrifuge.Client(
            address.of("websocket"),
            events=_Events(self),
            token=settings.token,
            get_token=_asynchronous(settings.get_token) if settings.get_token else None,
            use_protobuf=self._binary,
            data=self._encode(settings.data) if settings.data is not None else None,
            headers=dict(settings.headers),
            name=settings.name or "python",
            version=settings.version,
            min_reconnect_delay=0.02,
            max_reconnect_delay=0.2,
            proxy=None,
        )

    def _encode(self, data: Any) -> Any:
        return json.dumps(data, ensure_ascii=False).encode() if self._binary else data

    def plain(self, value: Any) -> Any:
        """What the SDK says, without its classes, payloads as values."""
        if is_dataclass(value) and not isinstance(value, type):
            value = asdict(value)
        if isinstance(value, dict):
            return {name: self.plain(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self.plain(part) for part in value]
        return json.loads(value) if isinstance(value, bytes) else value

    async def connect(self) -> None:
        await self.sdk.connect()

    async def disconnect(self) -> None:
        await self.sdk.disconnect()

    async def subscribe(
        self,
        channel: str,
        *,
        token: str = "",
        get_token: GetToken | None = None,
        data: Any = None,
        delta: bool = False,
        recoverable: bool = False,
        positioned: bool = False,
        join_leave: bool = False,
    ) -> None:
        asked = _asynchronous(get_token) if get_token else None
        self._subs[channel] = sub = self.sdk.new_subscription(
            channel,
            events=_SubscriptionEvents(self, channel),
            token=token,
            get_token=(lambda _: asked()) if asked else None,  # type: ignore[misc]
            data=self._encode(data) if data is not None else None,
            delta=centrifuge.DeltaType.FOSSIL if delta else None,
            recoverable=recoverable,
            positioned=positioned,
            join_leave=join_leave,
            min_resubscribe_delay=0.02,
            max_resubscribe_delay=0.2,
        )
        await sub.subscribe()

    async def unsubscribe(self, channel: str) -> None:
        sub = self._subs.pop(channel)
        await sub.unsubscribe()
        self.sdk.remove_subscription(sub)

    async def call(self, method: str, /, **arguments: Any) -> dict[str, Any]:
        if "data" in arguments:
            arguments["data"] = self._encode(arguments["data"])
        if isinstance(since := arguments.get("since"), dict):
            arguments["since"] = centrifuge.StreamPosition(**since)
        try:
            result = await getattr(self.sdk, method)(**arguments)
        except centrifuge.ReplyError as error:
            raise ReplyError(error.code, error.message) from None
        return self.plain(result)


def _asynchronous(function: GetToken) -> Any:
    async def get_token() -> str:
        return function()

    return get_token


class _Events(centrifuge.ClientEventHandler):
    """Notes what is told of the client, and of server-side subscriptions."""

    def __init__(self, client: PythonClient) -> None:
        self._client = client

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("on_"):
            return super().__getattribute__(name)
        client = self._client

        async def note(ctx: Any) -> None:
            _note(client, name.removeprefix("on_"), "", ctx)

        return note


class _SubscriptionEvents(centrifuge.SubscriptionEventHandler):
    """Notes what is told of one subscription."""

    def __init__(self, client: PythonClient, channel: str) -> None:
        self._client = client
        self._channel = channel

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("on_"):
            return super().__getattribute__(name)
        client, channel = self._client, self._channel

        async def note(ctx: Any) -> None:
            _note(client, name.removeprefix("on_"), channel, ctx)

        return note


def _note(client: PythonClient, event: str, channel: str, ctx: Any) -> None:
    what = client.plain(
        {name: getattr(ctx, name) for name in ctx.__dataclass_fields__ if name not in ("channel", "error")}
    )
    what |= what.pop("pub", None) or {}
    if hasattr(ctx, "error"):
        inner = ctx.error
        what["error_code"] = inner.code if isinstance(inner, centrifuge.ReplyError) else ctx.code
    client.note(event, channel or getattr(ctx, "channel", ""), **what)
