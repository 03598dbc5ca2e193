"""What an extension is (RFC 6455 section 9).

An extension to the protocol is three classes: what works on frames once it is agreed on, and one factory for
each side, which negotiates it. Names and methods are those of `websockets.extensions`, with `Extension.rsv`
besides: the protocol refuses a reserved bit that nobody owns as soon as it sees one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from openline.protocol.frames import Frame, Opcode
from openline.protocol.headers import ExtensionParameter

__all__ = ["ClientExtensionFactory", "Extension", "ServerExtensionFactory"]


class Extension:
    """An extension in use on one connection.

    Attributes:
        name: The name under which it is registered.
        rsv: The reserved bits that it uses, as `RSV1`, `RSV2` and `RSV3` of `openline.protocol.frames`.
    """

    __slots__ = ()

    name: str
    rsv: int = 0

    def rsv_allowed(self, opcode: Opcode) -> int:
        """Return those of its reserved bits that may be set in frames with this opcode (default: all)."""
        return self.rsv

    def encode(self, frame: Frame) -> Frame:
        """Change a frame that is about to be sent, data or control, and return it."""
        raise NotImplementedError

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Undo for a frame received what the peer's `encode` did, and return it.

        Args:
            frame: A whole frame, data or control.
            max_size: Largest payload that may come out, in bytes. None: no limit.

        Raises:
            PayloadTooBig: The payload would be larger; raised before it is stored.
            ProtocolError: The frame breaks the extension's rules.
        """
        raise NotImplementedError


class ClientExtensionFactory(Protocol):
    """Negotiates an extension for a client."""

    name: str

    def get_request_params(self) -> Sequence[ExtensionParameter]:
        """Return the parameters to offer."""
        ...

    def process_response_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> Extension:
        """Make the extension from the parameters that the server answered with.

        Args:
            params: The server's parameters.
            accepted_extensions: The extensions that stood before this one in the answer.

        Raises:
            NegotiationError: The parameters are not acceptable; the connection is then not opened.
        """
        ...


class ServerExtensionFactory(Protocol):
    """Negotiates an extension for a server."""

    name: str

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], Extension]:
        """Make the extension from the parameters of one of the client's offers.

        Args:
            params: The client's parameters.
            accepted_extensions: The extensions accepted before.

        Returns:
            The parameters to answer with, and the extension.

        Raises:
            NegotiationError: This offer is declined; the next one may do.
        """
        ...
