"""What clients ask of their inbox, by remote calls of the hub.

Each is for the session's own user: no request names one. What a client sends is checked here, once; what makes no
sense is refused with 107 and counted, and the inbox is as it was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

from openline.hub import ErrorCode, Refused, Session
from openline.hub.namespace import is_plain
from openline.hub.stores.base import StoreDown
from openline.notifications.options import Mode

if TYPE_CHECKING:
    from openline.notifications.inbox import Inbox

__all__ = ["register"]

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_Topic = Annotated[str, msgspec.Meta(max_length=128)]
_Ids = Annotated[list[_Name], msgspec.Meta(max_length=1000)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class _List(msgspec.Struct):
    limit: _Number = 50
    before: _Number | None = None
    topic: _Topic | None = None
    unread: bool = False


class _Read(msgspec.Struct):
    ids: _Ids
    read: bool = True


class _ReadAll(msgspec.Struct):
    through: _Number | None = None


class _Remove(msgspec.Struct):
    ids: _Ids


class _Acknowledge(msgspec.Struct):
    number: _Number


class _Prefer(msgspec.Struct):
    topic: _Topic
    mode: Mode | None


class _Follow(msgspec.Struct):
    topic: _Name
    on: bool = True


class _AddDevice(msgspec.Struct):
    subscription: dict[str, Any]
    name: _Topic = ""


class _RemoveDevice(msgspec.Struct):
    id: _Name


class _Nothing(msgspec.Struct):
    pass


R = TypeVar("R", bound=msgspec.Struct)


def register(inbox: Inbox) -> None:
    """Have the hub answer what clients ask of this inbox."""
    calls = _Calls(inbox)
    _offer(inbox, "list", _List, calls.list)
    _offer(inbox, "read", _Read, calls.read)
    _offer(inbox, "read_all", _ReadAll, calls.read_all)
    _offer(inbox, "remove", _Remove, calls.remove)
    _offer(inbox, "ack", _Acknowledge, calls.acknowledge)
    _offer(inbox, "preferences", _Nothing, calls.preferences)
    _offer(inbox, "prefer", _Prefer, calls.prefer)
    _offer(inbox, "follow", _Follow, calls.follow)
    if inbox.push is not None:
        _offer(inbox, "devices", _Nothing, calls.devices)
        _offer(inbox, "devices.add", _AddDevice, calls.add_device)
        _offer(inbox, "devices.remove", _RemoveDevice, calls.remove_device)


def _offer(
    inbox: Inbox, name: str, kind: type[R], answer: Callable[[str, R], Awaitable[dict[str, Any]]]
) -> None:
    async def handle(session: Session, data: Any) -> dict[str, Any]:
        user = session.user
        if not is_plain(user) or len(user) > 128:
            inbox.counters.refused += 1
            raise Refused(ErrorCode.PERMISSION_DENIED)
        if not inbox.may_ask(user):
            inbox.counters.refused += 1
            raise Refused(ErrorCode.TOO_MANY_REQUESTS)
        try:
            request = msgspec.convert({} if data is None else data, kind)
            return await answer(user, request)
        except (msgspec.ValidationError, ValueError) as error:
            inbox.counters.malformed += 1
            raise Refused(ErrorCode.BAD_REQUEST, f"bad request: {error}"[:200]) from None
        except StoreDown as error:
            raise Refused(ErrorCode.INTERNAL, "the inbox cannot be reached; try again") from error

    inbox.hub.rpc(f"{inbox.name}.{name}")(handle)


class _Calls:
    """What is done for each; the first argument is the user who asks."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def list(self, user: str, request: _List) -> dict[str, Any]:
        inbox = self._inbox
        page = await inbox.list(
            user,
            limit=min(request.limit, inbox.options.page),
            before=request.before,
            topic=request.topic,
            unread=request.unread,
        )
        return {"channel": inbox.channel(user), **page._asdict()}

    async def read(self, user: str, request: _Read) -> dict[str, Any]:
        return {"changed": await self._inbox.mark(user, request.ids, read=request.read)}

    async def read_all(self, user: str, request: _ReadAll) -> dict[str, Any]:
        return {"changed": await self._inbox.mark_all(user, through=request.through)}

    async def remove(self, user: str, request: _Remove) -> dict[str, Any]:
        return {"changed": await self._inbox.remove(user, request.ids)}

    async def acknowledge(self, user: str, request: _Acknowledge) -> dict[str, Any]:
        await self._inbox.acknowledge(user, request.number)
        return {}

    async def preferences(self, user: str, request: _Nothing) -> dict[str, Any]:
        inbox = self._inbox
        return {
            "preferences": await inbox.preferences(user),
            "default": inbox.options.default,
            "topics": await inbox.topics(user),
            "open_topics": sorted(inbox.options.open_topics),
        }

    async def prefer(self, user: str, request: _Prefer) -> dict[str, Any]:
        if not await self._inbox.prefer(user, request.topic, request.mode):
            raise Refused(ErrorCode.LIMIT_EXCEEDED)
        return {}

    async def follow(self, user: str, request: _Follow) -> dict[str, Any]:
        inbox = self._inbox
        if not request.on:
            await inbox.unfollow(user, request.topic)
        elif request.topic not in inbox.options.open_topics:
            raise Refused(ErrorCode.PERMISSION_DENIED)
        elif not await inbox.follow(user, request.topic):
            raise Refused(ErrorCode.LIMIT_EXCEEDED)
        return {}

    async def devices(self, user: str, request: _Nothing) -> dict[str, Any]:
        inbox = self._inbox
        await inbox.start()
        assert inbox.devices is not None
        assert inbox.push is not None
        assert inbox.push.keys is not None
        devices = await inbox.devices.of(user)
        return {
            "key": inbox.push.keys.public_key,
            "devices": [{"id": one.id, "name": one.name, "added": one.added} for one in devices],
        }

    async def add_device(self, user: str, request: _AddDevice) -> dict[str, Any]:
        device = await self._inbox.add_device(user, request.subscription, name=request.name)
        return {"id": device}

    async def remove_device(self, user: str, request: _RemoveDevice) -> dict[str, Any]:
        await self._inbox.start()
        assert self._inbox.devices is not None
        return {"changed": int(await self._inbox.devices.remove(user, request.id))}
