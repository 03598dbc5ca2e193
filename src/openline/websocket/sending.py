"""Sending what is not simply one whole message on an open connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from openline.exceptions import InvalidState
from openline.protocol.close_codes import CloseCode
from openline.protocol.states import State
from openline.websocket.closing import Closing

if TYPE_CHECKING:
    from openline.engine.base import BytesLike

__all__ = ["Sending", "as_sent"]

_WHOLE = (str, bytes, bytearray, memoryview)


class Sending(Closing):
    """The part of a connection that sends."""

    __slots__ = ()

    def _encode_message(self, message: object, text: bool | None, compress: bool | None) -> BytesLike:
        """Make the frame of a whole message."""
        as_text, payload = as_sent(message, text)
        self._settle()
        protocol = self._sender()
        if as_text:
            protocol.send_text(payload, compress=compress)
        else:
            protocol.send_binary(payload, compress=compress)
        frame = b"".join(protocol.take_output())
        self._settle()
        return frame

    async def _send_slow(self, message: Any, text: bool | None, compress: bool | None) -> None:
        whole = isinstance(message, _WHOLE)
        if isinstance(message, Mapping):
            raise TypeError(
                "message is a dict-like object; send its keys() or values() if you mean them as fragments"
            )
        if not whole and not isinstance(message, (Iterable, AsyncIterable)):
            name = type(cast("object", message)).__name__
            raise TypeError(f"message must be str, bytes-like, iterable or async iterable, not {name}")
        await self._wait_for_turn()
        if whole:
            await self.send(message, text=text, compress=compress)
        else:
            fragments = cast("Iterable[object] | AsyncIterable[object]", message)
            if not isinstance(fragments, AsyncIterable):
                fragments = _asynchronous(fragments)
            await self._send_fragments(aiter(fragments), text, compress)

    async def _wait_for_turn(self) -> None:
        """Wait until a message may begin; raise if that can never be."""
        while self.fragmenting is not None and self.state is State.OPEN:
            await asyncio.shield(self.fragmenting)
        await self._check_open()

    async def _check_open(self) -> None:
        """Where the connection is not open, wait until it is closed, and raise how it was."""
        if self.state is State.CONNECTING:
            raise InvalidState("the opening handshake has not ended")
        if self.state is not State.OPEN:
            await self.wait_closed()
            raise self._closed_error()

    async def _send_fragments(
        self, chunks: AsyncIterator[object], text: bool | None, compress: bool | None
    ) -> None:
        """Send each chunk as a fragment when it comes, and an empty last one (RFC 6455 section 5.4)."""
        try:
            chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        is_str = isinstance(chunk, str)
        as_text, payload = as_sent(chunk, text)  # if that fails, nothing was sent
        await self._wait_for_turn()  # the first chunk may have been long in coming
        self.fragmenting = self.loop.create_future()
        protocol = self._sender()
        try:
            protocol.send_fragment(payload, text=as_text, first=True, fin=False, compress=compress)
            self._queue_frames(b"".join(protocol.take_output()))
            await self._let_drain()
            async for chunk in chunks:
                if isinstance(chunk, str) is not is_str:
                    raise TypeError("fragments of one message must be all str, or all bytes-like")
                await self._check_open()  # a chunk may have been long in coming
                protocol.send_fragment(as_sent(chunk, text)[1], text=as_text, first=False, fin=False)
                self._queue_frames(b"".join(protocol.take_output()))
                await self._let_drain()
            await self._check_open()
            protocol.send_fragment(b"", text=as_text, first=False, fin=True)
            self._queue_frames(b"".join(protocol.take_output()))
        except BaseException:
            # The message cannot be completed, and no other may begin before it is.
            self._fail(CloseCode.INTERNAL_ERROR, "error in fragmented message")
            raise
        finally:
            self.fragmenting.set_result(None)
            self.fragmenting = None
            self._settle()
        await self._let_drain()

    async def _let_drain(self) -> None:
        if self.unsent > self.options.write_high:
            await self._wait_writable()
        await self._check_open()


def as_sent(message: object, text: bool | None) -> tuple[bool, bytes]:
    """Tell as what a message or a fragment is sent (RFC 6455 section 5.6).

    Args:
        message: Text, or binary data.
        text: True: as text, also if it is bytes, which are then UTF-8. False: as binary, also if it is str. None: as
            what it is.

    Returns:
        Whether it is text, and its bytes.

    Raises:
        TypeError: it is neither str nor bytes-like.
    """
    if isinstance(message, str):
        return text is not False, message.encode()
    if isinstance(message, (bytes, bytearray, memoryview)):
        # Copied where it is mutable: the caller may change it while it waits.
        return text is True, bytes(cast("BytesLike", message))
    raise TypeError(f"expected str or bytes-like, not {type(message).__name__}")


async def _asynchronous(chunks: Iterable[object]) -> AsyncIterator[object]:
    for chunk in chunks:
        yield chunk
