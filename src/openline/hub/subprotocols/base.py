"""What a session needs of an application protocol: commands out of frames, and replies into units.

A *unit* is one encoded `Reply`. A transport sends one or several, joined, in a frame: a WebSocket message, a line of
an HTTP stream, an event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from openline.hub.publication import Payload, Publication
from openline.hub.subprotocols.messages import Call, Command, Reply

__all__ = ["BadFrame", "NotJSON", "Subprotocol"]


class BadFrame(Exception):
    """What a client sent is no frame of the protocol; its session ends with 3501."""


class NotJSON(Exception):
    """A payload that is not JSON cannot go into a JSON frame; a session that would need it ends with 3506."""


class Subprotocol(Protocol):
    """One encoding of the client protocol; has no state, one object serves all sessions."""

    name: str
    """``json`` or ``protobuf``."""
    binary: bool
    """Whether frames are binary, not text."""
    takes_values: bool
    """Whether payloads of results may be given to `encode_result` as the values that they stand for, if these are such
    that only JSON can come of them."""
    ping: bytes
    """The unit of a ping: an empty reply."""

    def decode(self, frame: str | bytes) -> list[Command]:
        """Take a frame apart.

        Work and memory are in proportion to the frame's size; deep JSON is refused. Payloads of JSON commands have been
        checked to be one JSON value each, and hold no newline.

        Raises:
            BadFrame: it is malformed, or empty.
        """
        ...

    def decode_call(self, frame: str | bytes) -> Call | Command | None:
        """Take a frame apart that is one RPC or one message, which is worked on at once.

        The payload of an RPC becomes a value right here, and may then take several times what the frame does: not for
        commands that wait.

        Returns:
            None: `decode` has to look, whatever it is.
        """
        ...

    def encode(self, reply: Reply) -> bytes:
        """Encode one reply or push.

        Payloads in it are taken as they are: who makes the reply has checked them (`check_payload`).
        """
        ...

    def encode_result(self, number: int, name: str, result: Any) -> bytes:
        """Encode the answer to a command: the same as `encode`, on the path of every command.

        Args:
            number: The command's id.
            name: Which command, as the field of `Reply`.
            result: The record; None: an empty answer.
        """
        ...

    def encode_publication(self, channel: str, publication: Publication) -> bytes:
        """Encode the push of a publication: the same as `encode`, on the path of every message."""
        ...

    def encode_message(self, data: bytes) -> bytes:
        """Encode the push of a message to one client: the same as `encode`; games send thousands a second.

        Raises:
            NotJSON: see `check_payload`.
        """
        ...

    def join(self, units: Sequence[bytes]) -> bytes:
        """Put units into one frame."""
        ...

    def check_payload(self, data: bytes) -> Payload:
        """Make a payload of what comes from outside or from the application's bytes.

        JSON: must be one JSON value in UTF-8, nested less than 500 deep; newlines are taken out. Protobuf: anything.

        Raises:
            NotJSON: it cannot stand in a frame of this encoding.
        """
        ...

    def delta_data(self, publication: Publication, base: bytes | None) -> tuple[Payload, bool]:
        """The ``data`` of a publication for subscribers who agreed on fossil deltas.

        Args:
            publication: The publication.
            base: The payload that they got last, whole. None: they got none, or not the one before this.

        Returns:
            The payload to put in its place, and whether it is a patch. A patch is returned only where it is smaller. In
            JSON both are a JSON string, and a patch never cuts a UTF-8 character.
        """
        ...
