"""The extension permessage-deflate (RFC 7692).

Each message is compressed as a stream that ends with an empty block; the four bytes of that block are not
sent (section 7.2.1) and put back before inflating (section 7.2.2). With *context takeover*, the default, a
message may refer to those before it, so that both ends keep a window of up to 32 KiB between messages.
``local`` is what this end compresses, ``remote`` what the peer does.

Memory: a compressor of zlib takes ``2**(window_bits + 2) + 2**(memLevel + 9)`` bytes, zlib-ng's more than that, a
decompressor ``2**window_bits``. Both are made when the first message needs them. The compressor can be dropped
at any time with `PerMessageDeflate.reset_compressor`, since what it writes need not refer to anything; the
decompressor cannot, except without context takeover, where it lives for one message.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple, Protocol, TypeAlias, cast

from openline.exceptions import (
    DuplicateParameter,
    InvalidParameterName,
    InvalidParameterValue,
    NegotiationError,
    PayloadTooBig,
    ProtocolError,
)
from openline.protocol.extensions.base import (
    ClientExtensionFactory,
    Extension,
    ServerExtensionFactory,
)
from openline.protocol.frames import RSV1, Frame, Opcode
from openline.protocol.headers import ExtensionParameter

__all__ = [
    "THRESHOLD",
    "ClientPerMessageDeflateFactory",
    "MessageCompressor",
    "PerMessageDeflate",
    "ServerPerMessageDeflateFactory",
    "compressed_bound",
    "enable_client_permessage_deflate",
    "enable_server_permessage_deflate",
]

NAME = "permessage-deflate"

THRESHOLD = 64
"""Messages of fewer bytes are sent as they are, unless told otherwise: their headers outweigh what could be saved."""

CompressSettings: TypeAlias = Mapping[str, int]
"""Further arguments for `zlib.compressobj`: ``level``, ``memLevel``, ``strategy``."""

# Section 7.2.1: ends every message, and is not sent.
_EMPTY_BLOCK = b"\x00\x00\xff\xff"

_DATA_OPCODES = (Opcode.TEXT, Opcode.BINARY)

# After a final block, input goes on in pieces of so many bytes: the end of each stream copies what follows
# it.
_PIECE_SIZE = 1024


def compressed_bound(size: int) -> int:
    """Return a number of bytes that no reasonable compressor exceeds for ``size`` bytes that it cannot compress.

    With its worst settings, zlib adds an eighth (its function ``deflateBound``); here it is a quarter, and
    some bytes for empty blocks.
    """
    return size + size // 4 + 64


class MessageCompressor(Protocol):
    """What compresses a connection's messages, from a window that is empty when it is made."""

    def compress(self, data: bytes, /) -> bytes:
        """Compress a piece of a message; what it returns ends with an empty stored block (section 7.2.1)."""
        ...


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self, mode: int = ..., /) -> bytes: ...


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


class _Zlib(Protocol):
    Z_SYNC_FLUSH: int
    error: type[Exception]

    def compressobj(self, *, wbits: int, **settings: int) -> _Compressor: ...
    def decompressobj(self, wbits: int) -> _Decompressor: ...


def _load_zlib() -> _Zlib:
    try:  # measured: level 6 takes zlib-ng two thirds of zlib's time, for the same ratio
        module = importlib.import_module("zlib_ng.zlib_ng")
    except ImportError:
        module = importlib.import_module("zlib")
    return cast("_Zlib", module)


_zlib = _load_zlib()

# Up to so many window bits zlib itself takes far less memory than zlib-ng, which always has room for 15.
_SMALL_BITS = 13


def _library(bits: int) -> _Zlib:
    return cast("_Zlib", zlib) if bits <= _SMALL_BITS else _zlib


class _ZlibCompressor:
    """A `MessageCompressor` by zlib."""

    __slots__ = ("_compressor",)

    def __init__(self, bits: int, settings: CompressSettings) -> None:
        self._compressor = _library(bits).compressobj(wbits=-bits, **settings)

    def compress(self, data: bytes, /) -> bytes:
        compressor = self._compressor
        return compressor.compress(data) + compressor.flush(_zlib.Z_SYNC_FLUSH)


class PerMessageDeflate(Extension):
    """The extension as agreed on for one connection.

    Args:
        remote_no_context_takeover: The peer starts each message with an empty window.
        local_no_context_takeover: This end does.
        remote_max_window_bits: Base-2 logarithm of the peer's window in bytes, 8 to 15.
        local_max_window_bits: That of this end's, 9 to 15: zlib cannot compress with 8.
        compress_settings: Further arguments for `zlib.compressobj`. None: its defaults.
        threshold: Size in bytes from which messages are compressed. 0: all are.
    """

    __slots__ = (
        "__weakref__",
        "_compress_settings",
        "_compressor",
        "_decoding",
        "_decompressor",
        "_encoding",
        "_make_compressor",
        "_used",
        "local_max_window_bits",
        "local_no_context_takeover",
        "on_compressor",
        "remote_max_window_bits",
        "remote_no_context_takeover",
        "threshold",
    )

    name = NAME
    rsv = RSV1

    def __init__(
        self,
        remote_no_context_takeover: bool,
        local_no_context_takeover: bool,
        remote_max_window_bits: int,
        local_max_window_bits: int,
        compress_settings: CompressSettings | None = None,
        *,
        threshold: int = THRESHOLD,
    ) -> None:
        self.remote_no_context_takeover = remote_no_context_takeover
        self.local_no_context_takeover = local_no_context_takeover
        self.remote_max_window_bits = remote_max_window_bits
        self.local_max_window_bits = local_max_window_bits
        self.threshold = threshold
        self._compress_settings = compress_settings or {}
        self._make_compressor: Callable[[int], MessageCompressor] | None = None
        self._compressor: MessageCompressor | None = None
        self._decompressor: _Decompressor | None = None
        self._encoding = False  # the message being sent is compressed
        self._decoding = False  # the message being received is compressed
        self._used = False  # the compressor, since `drop_unused`
        self.on_compressor: Callable[[PerMessageDeflate], object] | None = None
        """Called when a compressor is made; whoever wants quiet ones dropped calls `drop_unused` from then on."""

    def __repr__(self) -> str:
        return (
            f"PerMessageDeflate(remote_no_context_takeover={self.remote_no_context_takeover}, "
            f"local_no_context_takeover={self.local_no_context_takeover}, "
            f"remote_max_window_bits={self.remote_max_window_bits}, "
            f"local_max_window_bits={self.local_max_window_bits})"
        )

    @property
    def parameters(self) -> tuple[object, ...]:
        """What a compressed message depends on.

        Connections with equal parameters may be sent one and the same compressed message, if it was
        compressed from an empty window: call `reset_compressor` before, and for each of them after.
        """
        settings = tuple(sorted(self._compress_settings.items()))
        return self.local_max_window_bits, self.threshold, settings

    def reset_compressor(self) -> None:
        """Drop the compressor; the next message starts from an empty window. Not in the middle of a message."""
        self._compressor = None

    def drop_unused(self) -> bool:
        """Drop the compressor if it was not used since this was called last.

        Returns:
            Whether there is none now.
        """
        if self._used or self._encoding:
            self._used = False
        else:
            self._compressor = None
        return self._compressor is None

    def use(self, make_compressor: Callable[[int], MessageCompressor]) -> None:
        """Compress by something else than zlib, unless ``compress_settings`` ask for more than zlib's default.

        Args:
            make_compressor: Is given the window bits, 9 to 15. Its result must be as good as zlib's of level 6.
        """
        if self._compress_settings.keys() <= {"memLevel"}:
            self._make_compressor = make_compressor

    def compress_message(self, data: bytes) -> bytes | None:
        """Compress a whole message.

        Returns:
            The payload for a frame with `RSV1` set; None: the message is below the threshold, send it as it
            is.
        """
        if len(data) < self.threshold:
            return None
        return self.deflate(data, fin=True)

    def decompress_message(self, data: bytes, max_size: int | None) -> bytes:
        """Decompress a whole message.

        Args:
            data: Payload of a frame with `RSV1` set.
            max_size: Largest message, in bytes. None: no limit.

        Raises:
            PayloadTooBig: The message is larger; at most one byte more is stored.
            ProtocolError: The data is not compressed as section 7.2 says.
        """
        return self.inflate(data, max_size, fin=True)

    def deflate(self, data: bytes, *, fin: bool) -> bytes:
        """Compress the next fragment of a message (section 7.2.1).

        Args:
            data: The fragment.
            fin: Whether it is the last one.
        """
        compressor = self._compressor
        if compressor is None:
            compressor = self._compressor = self._new_compressor()
        self._used = True
        payload = compressor.compress(data)
        if not fin:
            return payload
        if self.local_no_context_takeover:
            self._compressor = None
        return payload[: -len(_EMPTY_BLOCK)]

    def _new_compressor(self) -> MessageCompressor:
        if self.on_compressor is not None:
            self.on_compressor(self)
        if self._make_compressor is not None:
            return self._make_compressor(self.local_max_window_bits)
        return _ZlibCompressor(self.local_max_window_bits, self._compress_settings)

    def inflate(self, data: bytes, max_size: int | None, *, fin: bool) -> bytes:
        """Decompress the next piece of a message (section 7.2.2).

        Args:
            data: The piece; it need not end where a frame does.
            max_size: Largest output, in bytes. None: no limit.
            fin: Whether the message ends here.

        Raises:
            PayloadTooBig: There is more output; at most one byte more is stored.
            ProtocolError: The data is not compressed as section 7.2 says.
        """
        if fin:
            data += _EMPTY_BLOCK
        try:
            output = self._decompress(data, max_size)
        except (_zlib.error, zlib.error) as error:
            raise ProtocolError(f"RFC 7692 section 7.2.2: {error}") from None
        if fin and self.remote_no_context_takeover:
            self._decompressor = None
        return output

    def _decompress(self, data: bytes, max_size: int | None) -> bytes:
        outputs: list[bytes] = []
        size = pos = 0
        step = len(data)
        while pos < len(data):
            decompressor = self._decompressor
            if decompressor is None:
                bits = self.remote_max_window_bits
                decompressor = self._decompressor = _library(bits).decompressobj(-bits)
            piece = data[pos : pos + step]
            # For zlib, 0 is no limit. One byte more than allowed tells that there is more.
            output = decompressor.decompress(piece, 0 if max_size is None else max_size - size + 1)
            size += len(output)
            if max_size is not None and size > max_size:
                raise PayloadTooBig(None, max_size)
            outputs.append(output)
            pos += len(piece)
            if decompressor.eof:
                # Section 7.2.3.4: a final block. What follows it is another stream, with an empty window.
                pos -= len(decompressor.unused_data)
                step = _PIECE_SIZE
                self._decompressor = None
        return outputs[0] if len(outputs) == 1 else b"".join(outputs)

    def rsv_allowed(self, opcode: Opcode) -> int:
        """Return `RSV1` for the first frame of a message; it may stand in no other (section 6)."""
        return RSV1 if opcode in _DATA_OPCODES else 0

    def encode(self, frame: Frame, *, compress: bool | None = None) -> Frame:
        """Compress a frame of a message (section 6.1).

        Args:
            frame: The frame.
            compress: Whether to compress the message of which this is the first frame. None: if it is
                fragmented, or reaches the threshold.
        """
        if frame.opcode >= Opcode.CLOSE:
            return frame
        if frame.opcode is Opcode.CONT:
            compress = self._encoding
        elif compress is None:
            compress = not frame.fin or len(frame.data) >= self.threshold
        self._encoding = compress and not frame.fin
        if not compress:
            return frame
        first = frame.opcode is not Opcode.CONT
        return replace(frame, data=self.deflate(frame.data, fin=frame.fin), rsv1=first)

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Decompress a frame of a message (section 6.2)."""
        if frame.opcode >= Opcode.CLOSE:
            return frame
        compressed = self._decoding if frame.opcode is Opcode.CONT else frame.rsv1
        self._decoding = compressed and not frame.fin
        if not compressed:
            return frame
        return replace(frame, data=self.inflate(frame.data, max_size, fin=frame.fin), rsv1=False)


class _Parameters(NamedTuple):
    """The parameters of an offer, of an answer, or of a factory (section 7.1)."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int | None = None
    client_max_window_bits: int | Literal[True] | None = None

    def build(self) -> list[ExtensionParameter]:
        """Write them as they stand in the header."""
        return [
            (name, None if value is True else str(value))
            for name, value in zip(self._fields, self, strict=True)
            if value is not None and value is not False
        ]

    @classmethod
    def parse(cls, params: Sequence[ExtensionParameter], *, offer: bool) -> _Parameters:
        """Read and check them (section 7.1).

        Args:
            params: Names and values.
            offer: Whether a client offers them; only then may ``client_max_window_bits`` have no value.

        Raises:
            NegotiationError: One is unknown, is there twice, or has a wrong value (sections 5.1 and 7.1).
        """
        found: dict[str, int] = {}
        for name, value in params:
            if name in found:
                raise DuplicateParameter(name)
            if name not in cls._fields:
                raise InvalidParameterName(name)
            flag = name.endswith("takeover")
            if value is None and (flag or (offer and name == "client_max_window_bits")):
                found[name] = True
            elif not flag and value in _WINDOW_BITS:
                found[name] = _WINDOW_BITS[value]
            else:
                raise InvalidParameterValue(name, value)
        return cls()._replace(**found)


# Section 7.1.2: a decimal integer from 8 to 15 without leading zeros.
_WINDOW_BITS: dict[str | None, int] = {str(bits): bits for bits in range(8, 16)}


def _check_settings(
    name: str, bits: int | None, lowest: int, compress_settings: CompressSettings | None
) -> None:
    if bits is not None and bits is not True and not lowest <= bits <= 15:
        raise ValueError(f"{name} must be between {lowest} and 15")
    if compress_settings is not None and "wbits" in compress_settings:
        raise ValueError("compress_settings must not include wbits; set the window bits instead")


def _check_duplicate(accepted_extensions: Sequence[Extension]) -> None:
    if any(extension.name == NAME for extension in accepted_extensions):
        raise NegotiationError(f"RFC 7692 section 5: {NAME} is in use already")


class ClientPerMessageDeflateFactory(ClientExtensionFactory):
    """Negotiates the extension for a client (section 7.1).

    Args:
        server_no_context_takeover: Ask the server to start each message with an empty window.
        client_no_context_takeover: Start each message with an empty window, and say so.
        server_max_window_bits: Ask the server for a window no larger than this, 8 to 15. None: any.
        client_max_window_bits: Largest window of this client, 9 to 15. True: 15, and the server may ask for a
            smaller one. None: 15, and the server may not.
        compress_settings: Further arguments for `zlib.compressobj`. None: its defaults.
        threshold: Size in bytes from which messages are compressed. 0: all are.

    Raises:
        ValueError: The bits are out of range, or ``compress_settings`` has ``wbits``.
    """

    name = NAME

    def __init__(
        self,
        server_no_context_takeover: bool = False,
        client_no_context_takeover: bool = False,
        server_max_window_bits: int | None = None,
        client_max_window_bits: int | Literal[True] | None = True,
        compress_settings: CompressSettings | None = None,
        *,
        threshold: int = THRESHOLD,
    ) -> None:
        _check_settings("server_max_window_bits", server_max_window_bits, 8, compress_settings)
        _check_settings("client_max_window_bits", client_max_window_bits, 9, compress_settings)
        self.server_no_context_takeover = server_no_context_takeover
        self.client_no_context_takeover = client_no_context_takeover
        self.server_max_window_bits = server_max_window_bits
        self.client_max_window_bits: int | Literal[True] | None = client_max_window_bits
        self.compress_settings = compress_settings
        self.threshold = threshold

    def get_request_params(self) -> list[ExtensionParameter]:
        """Return the parameters to offer."""
        return _Parameters(
            self.server_no_context_takeover,
            self.client_no_context_takeover,
            self.server_max_window_bits,
            self.client_max_window_bits,
        ).build()

    def process_response_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> PerMessageDeflate:
        """Make the extension from the server's answer."""
        _check_duplicate(accepted_extensions)
        agreed = _Parameters.parse(params, offer=False)

        # Section 7.1.1.1: what was asked for must be granted.
        if self.server_no_context_takeover and not agreed.server_no_context_takeover:
            raise NegotiationError("RFC 7692 section 7.1.1.1: expected server_no_context_takeover")

        # Section 7.1.2.1: the server's window may be smaller than asked for, never larger.
        server_bits = agreed.server_max_window_bits
        if self.server_max_window_bits is not None:
            if server_bits is None:
                raise NegotiationError("RFC 7692 section 7.1.2.1: expected server_max_window_bits")
            if server_bits > self.server_max_window_bits:
                raise NegotiationError(
                    "RFC 7692 section 7.1.2.1: server_max_window_bits above what was offered"
                )

        # Section 7.1.2.2: the server may limit the client's window only if it was told that it may.
        client_bits = self.client_max_window_bits
        if client_bits is None and agreed.client_max_window_bits is not None:
            raise NegotiationError("RFC 7692 section 7.1.2.2: client_max_window_bits was not offered")
        largest = 15 if client_bits is None or client_bits is True else client_bits
        local_bits = agreed.client_max_window_bits or largest
        if local_bits > largest:
            raise NegotiationError("RFC 7692 section 7.1.2.2: client_max_window_bits above what was offered")
        if local_bits == 8:
            raise NegotiationError("client_max_window_bits=8 is not supported by zlib")

        return PerMessageDeflate(
            remote_no_context_takeover=agreed.server_no_context_takeover,
            local_no_context_takeover=self.client_no_context_takeover or agreed.client_no_context_takeover,
            remote_max_window_bits=server_bits or 15,
            local_max_window_bits=local_bits,
            compress_settings=self.compress_settings,
            threshold=self.threshold,
        )


class ServerPerMessageDeflateFactory(ServerExtensionFactory):
    """Negotiates the extension for a server (section 7.1).

    Args:
        server_no_context_takeover: Start each message with an empty window.
        client_no_context_takeover: Make the client do so.
        server_max_window_bits: Largest window of this server, 9 to 15. None: 15, or what the client asks for.
        client_max_window_bits: Largest window that clients may use, 8 to 15, as far as they take orders.
            None: any.
        compress_settings: Further arguments for `zlib.compressobj`. None: its defaults.
        require_client_max_window_bits: Decline offers of clients that do not let their window be limited.
        threshold: Size in bytes from which messages are compressed. 0: all are.

    Raises:
        ValueError: The bits are out of range or required without being set, or ``compress_settings`` has
            ``wbits``.
    """

    name = NAME

    def __init__(
        self,
        server_no_context_takeover: bool = False,
        client_no_context_takeover: bool = False,
        server_max_window_bits: int | None = None,
        client_max_window_bits: int | None = None,
        compress_settings: CompressSettings | None = None,
        require_client_max_window_bits: bool = False,
        *,
        threshold: int = THRESHOLD,
    ) -> None:
        _check_settings("server_max_window_bits", server_max_window_bits, 9, compress_settings)
        _check_settings("client_max_window_bits", client_max_window_bits, 8, compress_settings)
        if require_client_max_window_bits and client_max_window_bits is None:
            raise ValueError("require_client_max_window_bits needs client_max_window_bits")
        self.server_no_context_takeover = server_no_context_takeover
        self.client_no_context_takeover = client_no_context_takeover
        self.server_max_window_bits = server_max_window_bits
        self.client_max_window_bits = client_max_window_bits
        self.compress_settings = compress_settings
        self.require_client_max_window_bits = require_client_max_window_bits
        self.threshold = threshold

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        """Make the extension, and the answer, from one of the client's offers."""
        _check_duplicate(accepted_extensions)
        offer = _Parameters.parse(params, offer=True)

        # Section 7.1.2.1: no larger than either side wants.
        wishes = (offer.server_max_window_bits, self.server_max_window_bits)
        server_bits = min((bits for bits in wishes if bits is not None), default=None)
        if server_bits == 8:
            raise NegotiationError("server_max_window_bits=8 is not supported by zlib")

        # Section 7.1.2.2: clients that do not offer it cannot be limited.
        client_bits: int | None = None
        if offer.client_max_window_bits is None:
            if self.require_client_max_window_bits:
                raise NegotiationError("RFC 7692 section 7.1.2.2: client_max_window_bits is required")
        elif offer.client_max_window_bits is True:
            client_bits = self.client_max_window_bits
        else:
            client_bits = min(offer.client_max_window_bits, self.client_max_window_bits or 15)

        agreed = _Parameters(
            self.server_no_context_takeover or offer.server_no_context_takeover,
            self.client_no_context_takeover or offer.client_no_context_takeover,
            server_bits,
            client_bits,
        )
        extension = PerMessageDeflate(
            remote_no_context_takeover=agreed.client_no_context_takeover,
            local_no_context_takeover=agreed.server_no_context_takeover,
            remote_max_window_bits=client_bits or 15,
            local_max_window_bits=server_bits or 15,
            compress_settings=self.compress_settings,
            threshold=self.threshold,
        )
        return agreed.build(), extension


# As in `websockets`: less memory than zlib's defaults, at nearly the same ratio for messages of a few
# kilobytes.
_DEFAULT_SETTINGS = {"memLevel": 5}
_DEFAULT_SERVER_BITS = 12


def enable_client_permessage_deflate(
    extensions: Sequence[ClientExtensionFactory] | None,
) -> Sequence[ClientExtensionFactory]:
    """Add the extension with its default settings, unless it is among ``extensions`` already.

    The defaults offer to let the server limit the windows, and take memLevel 5.
    """
    extensions = extensions or ()
    if any(factory.name == NAME for factory in extensions):
        return extensions
    return [*extensions, ClientPerMessageDeflateFactory(compress_settings=_DEFAULT_SETTINGS)]


def enable_server_permessage_deflate(
    extensions: Sequence[ServerExtensionFactory] | None,
) -> Sequence[ServerExtensionFactory]:
    """Add the extension with its default settings, unless it is among ``extensions`` already.

    The defaults limit the windows to 4 KiB each way (12 bits), and take memLevel 5: 32 KiB a compressor.
    """
    extensions = extensions or ()
    if any(factory.name == NAME for factory in extensions):
        return extensions
    factory = ServerPerMessageDeflateFactory(
        server_max_window_bits=_DEFAULT_SERVER_BITS,
        client_max_window_bits=_DEFAULT_SERVER_BITS,
        compress_settings=_DEFAULT_SETTINGS,
    )
    return [*extensions, factory]
