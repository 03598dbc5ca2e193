"""One message to many connections: built once, compressed once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from openline.exceptions import ConcurrencyError
from openline.protocol.frames import RSV1, Opcode, encode_frame
from openline.protocol.states import Side, State
from openline.websocket.sending import as_sent

if TYPE_CHECKING:
    from openline.engine.base import BytesLike
    from openline.websocket.connection import Connection

__all__ = ["broadcast"]

# Who hands the frame to the lines (an engine), and what makes a frame that one connection can send unfit for another:
# how it compresses, or None.
_Group = tuple[Callable[[list[Any], bytes], None], tuple[object, ...] | None]


def broadcast(
    connections: Iterable[Connection],
    message: str | BytesLike,
    *,
    text: bool | None = None,
    raise_exceptions: bool = False,
) -> None:
    """Send a message to several connections, without waiting.

    For a server's connections the frame is built once, and where compression was agreed on, compressed once for each
    group of equal parameters: from an empty window, as RFC 7692 section 7.2.1 always allows. Each of them holds a
    reference to it, not a copy. A client's connections each need a frame of their own, masked with their own key (RFC
    6455 section 5.3); so do connections with extensions of other kinds.

    There is no backpressure: what a slow peer does not take is queued, up to ``max_unsent``, which aborts its
    connection. Connections that are not open are left out.

    Args:
        connections: All of one loop; call this in its thread.
        message: Text, or binary data.
        text: True: send bytes, which must be UTF-8, as text. False: send str as binary.
        raise_exceptions: True: raise what went wrong, after the message went to all others. False: log it as warnings.

    Raises:
        TypeError: ``message`` is neither str nor bytes-like.
        ExceptionGroup: ``raise_exceptions``, and some connection could not take the message: a `ConcurrencyError` for
            each that is sending a fragmented message, a `RuntimeError` for each that failed.
    """
    as_text, payload = as_sent(message, text)
    opcode = Opcode.TEXT if as_text else Opcode.BINARY
    errors: list[Exception] = []
    groups: dict[_Group, list[Connection]] = {}
    everyone = list(connections)
    if not everyone:
        return
    # Mostly all are plain and of one engine, which finds and serves them at once; the others are looked at singly.
    fan_out = everyone[0].fan_out
    plain, others = everyone[0].split_plain(everyone)
    for connection in others:
        if connection.state is not State.OPEN:
            continue
        if connection.fragmenting is not None:
            _report(connection, ConcurrencyError("sending a fragmented message"), errors, raise_exceptions)
        elif connection.side is Side.CLIENT or len(connection.extensions) > (connection.deflate is not None):
            _send_alone(connection, message, text, errors, raise_exceptions)
        else:
            parameters = None if connection.deflate is None else connection.deflate.parameters
            groups.setdefault((connection.fan_out, parameters), []).append(connection)
    if plain:
        fan_out(plain, encode_frame(opcode, payload))
    for (fan_out, _), members in groups.items():
        fan_out(members, _shared_frame(members, opcode, payload))
    if errors:
        raise ExceptionGroup("skipped broadcast", errors)


def _shared_frame(members: list[Connection], opcode: Opcode, payload: bytes) -> bytes:
    """Make the frame of a group.

    A compressor whose window is empty makes what all peers of the group can read, whatever they got before. But their
    windows move on with it, and so the compressors of all members start anew with their next message.
    """
    deflate = members[0].deflate
    if deflate is None:
        return encode_frame(opcode, payload)
    if len(payload) >= deflate.threshold:
        deflate.reset_compressor()
    compressed = deflate.compress_message(payload)
    if compressed is None:
        return encode_frame(opcode, payload)
    for member in members:
        if member.deflate is not None:
            member.deflate.reset_compressor()
    return encode_frame(opcode, compressed, rsv=RSV1)


def _send_alone(
    connection: Connection,
    message: str | BytesLike,
    text: bool | None,
    errors: list[Exception],
    raising: bool,
) -> None:
    try:
        connection.send_nowait(message, text=text)
    except Exception as error:
        failure = RuntimeError("failed to write message")
        failure.__cause__ = error
        _report(connection, failure, errors, raising)


def _report(connection: Connection, error: Exception, errors: list[Exception], raising: bool) -> None:
    if raising:
        errors.append(error)
    else:
        reason = error.__cause__ or error
        connection.logger.warning("skipped broadcast: %s: %s", type(reason).__name__, reason)
