"""The browsers of users that get Web Push: one row a user, and one for each endpoint that says whose it is.

A browser has one subscription, whoever is signed in. So an endpoint belongs to the last user who registered it: what is
for the one before must not come up on the other's screen.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from openline.hub.stores.base import Store
from openline.notifications.push.endpoints import Device

__all__ = ["Devices"]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Device]).decode


class Devices:
    """The devices of all users.

    Args:
        store: Where they are.
        prefix: What stands before the names of the tables.
        most: Devices that one user may have: one more takes the place of the oldest.
    """

    def __init__(self, store: Store, prefix: str, most: int) -> None:
        self._store = store
        self._rows = f"{prefix}-devices"
        self._owners = f"{prefix}-endpoints"
        self._most = most

    async def of(self, user: str) -> list[Device]:
        """Return a user's devices, oldest first.

        Raises:
            StoreDown: the store cannot be reached.
        """
        row = await self._store.get(self._rows, user)
        return [] if row is None else _decode(row.value)

    async def add(self, user: str, device: Device) -> None:
        """Register a device; one that is known is renewed, and one that was another user's is his no more.

        Raises:
            StoreDown: the store cannot be reached; it may be registered.

        Cancel: it may be registered.
        """
        before = await self._store.get(self._owners, device.id)
        if before is not None and before.value.decode() != user:
            await self._change(before.value.decode(), lambda known: _without(known, device.id))
        await self._store.put(self._owners, device.id, user.encode())
        dropped = await self._change(user, lambda known: [*_without(known, device.id), device][-self._most :])
        for old in dropped:
            if old.id != device.id:
                await self._store.delete(self._owners, old.id)

    async def remove(self, user: str, id_: str) -> bool:
        """Forget a device; tell whether it was there.

        Raises:
            StoreDown: the store cannot be reached.
        """
        dropped = await self._change(user, lambda known: _without(known, id_))
        for old in dropped:
            await self._store.delete(self._owners, old.id)
        return bool(dropped)

    async def clear(self, user: str) -> None:
        """Forget all devices of a user.

        Raises:
            StoreDown: the store cannot be reached.
        """
        for old in await self._change(user, lambda known: []):
            await self._store.delete(self._owners, old.id)
        await self._store.delete(self._rows, user)

    async def _change(self, user: str, change: Callable[[list[Device]], list[Device]]) -> list[Device]:
        """Write a user's row anew, whoever else does; return the devices that are not there any more."""
        while True:
            row = await self._store.get(self._rows, user)
            known = [] if row is None else _decode(row.value)
            wanted = change(known)
            if wanted == known:
                return []
            version = 0 if row is None else row.version
            if await self._store.put(self._rows, user, _encode(wanted), expect=version) is not None:
                kept = {device.id for device in wanted}
                return [device for device in known if device.id not in kept]


def _without(devices: list[Device], id_: str) -> list[Device]:
    return [device for device in devices if device.id != id_]
