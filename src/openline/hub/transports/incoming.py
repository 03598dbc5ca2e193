"""An HTTP request, the same whether `openline.serve` received it or a server of ASGI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openline.protocol.headers import Headers

__all__ = ["Incoming", "KeptRequest", "address_of"]


class Incoming(Protocol):
    """What the hub reads of a request; `openline.websocket.http.HTTPRequest` is one."""

    method: str
    path: str
    query: str
    headers: Headers
    remote_address: object
    secure: bool

    async def body(self, limit: int | None = ...) -> bytes:
        """Read the body.

        Raises:
            HTTPRequestError: there are more than ``limit`` bytes of it, or it does not come.
        """
        ...


class KeptRequest:
    """What a session keeps of the request that it came with; see `openline.hub.transports.base.ClientRequest`.

    Args:
        request: The request.
    """

    __slots__ = ("headers", "path")

    def __init__(self, request: Incoming) -> None:
        self.path = f"{request.path}?{request.query}" if request.query else request.path
        self.headers = request.headers


def address_of(remote: object) -> str:
    """Return the IP address in what a socket calls its peer's name; empty where there is none."""
    if not isinstance(remote, (tuple, list)):
        return ""
    name = cast("Sequence[object]", remote)
    return str(name[0]) if name else ""
