r"""The client protocol in JSON.

A frame is objects separated by ``\n``; one more may stand at the end. Payloads are JSON inside them. This is not the
canonical JSON of protobuf: names are in snake_case and 64-bit integers are numbers.

Lenient where clients differ: ``null`` counts as absent (as a payload of publish, send and rpc it is the value null),
and half surrogate pairs become U+FFFD.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from openline.hub.publication import Payload, Publication
from openline.hub.subprotocols.base import BadFrame
from openline.hub.subprotocols.fossil import create_delta
from openline.hub.subprotocols.messages import Call, Command, ConnectRequest, Reply, SubscribeRequest
from openline.hub.subprotocols.payload import MAX_DEPTH, check_json, is_deeper, mend_surrogates

__all__ = ["JSON", "MAX_COMMANDS", "CentrifugeJSON"]

MAX_COMMANDS = 4096
"""More commands in one frame are malformed. An SDK sends one for each subscription after a connect."""

_MAX_DEPTH = (
    MAX_DEPTH - 1 + 2
)  # of a whole command: the payload of a publish, rpc or send stands 2 deep in it
_PAYLOADS = ("data", "tf")
_NULL = b"null"

_decode = msgspec.json.Decoder(Command).decode
_decode_call = msgspec.json.Decoder(Call).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class _PublicationPush(msgspec.Struct, gc=False):
    channel: str
    pub: Publication


class _PublicationReply(msgspec.Struct, gc=False):
    """`Reply` and `Push` have a default to look at for each of their fields; these do not, and take half the time."""

    push: _PublicationPush


# Replies with one result each, for the same reason.
_RESULTS: dict[str, Callable[[int, Any], msgspec.Struct]] = {
    name: msgspec.defstruct(f"_{name}_reply", [("id", int), (name, Any)], gc=False)
    for name in Reply.__struct_fields__
    if name not in ("id", "error", "push")
}


def _without_nulls(value: bytes, level: int = 0) -> bytes:
    """Take the members that are null out of an object, and out of the objects in it that are no payloads."""
    members: list[bytes] = []
    for name, raw in _decode_members(value).items():
        member = bytes(raw)
        # Names at even levels are those of requests and channels, so ``data`` may be a channel there.
        if member.startswith(b"{") and level < 4 and (level % 2 == 0 or name not in _PAYLOADS):
            member = _without_nulls(member, level + 1)
        if member != _NULL:
            members.append(_encode(name) + b":" + member)
    return b"{" + b",".join(members) + b"}"


def _forgive(line: str) -> tuple[str, Command]:
    """Take what is wrong only in a way that is forgiven."""
    line = mend_surrogates(line)
    try:
        return line, _decode(line)
    except msgspec.ValidationError:
        line = _without_nulls(line.encode()).decode()
        return line, _decode(line)


def _drop_nulls(request: ConnectRequest | SubscribeRequest) -> None:
    if request.data is not None and bytes(request.data) == _NULL:
        request.data = None
    if isinstance(request, SubscribeRequest):
        if request.tf is not None and bytes(request.tf) == _NULL:
            request.tf = None
    elif request.subs:
        for subscription in request.subs.values():
            _drop_nulls(subscription)


def _look_again(line: str) -> tuple[str, Command]:
    """Take a line that the decoder refused, or refuse it for good."""
    try:
        return _forgive(line)
    except RecursionError:
        raise BadFrame("JSON is nested too deep") from None
    except ValueError as exception:  # of msgspec, or of UTF-8
        raise BadFrame(str(exception)) from None


def _lines(frame: str) -> list[str]:
    lines = frame.split("\n", MAX_COMMANDS + 1)
    if not lines[-1]:
        lines.pop()
    if len(lines) > MAX_COMMANDS:
        raise BadFrame(f"more than {MAX_COMMANDS} commands in a frame")
    return lines


class CentrifugeJSON:
    """The JSON encoding, see `openline.hub.subprotocols.base.Subprotocol`."""

    name = "json"
    binary = False
    takes_values = True
    ping = b"{}"

    def decode(self, frame: str | bytes) -> list[Command]:
        """Take a frame apart; at most `MAX_COMMANDS`."""
        if isinstance(frame, bytes):
            try:
                frame = frame.decode()
            except UnicodeDecodeError as exception:
                raise BadFrame(f"a JSON frame must be UTF-8: {exception}") from None
        commands: list[Command] = []
        for line in _lines(frame) if "\n" in frame else (frame,):
            try:
                command = _decode(line)
            except (ValueError, RecursionError):
                line, command = _look_again(line)
            if len(line) > 2 * _MAX_DEPTH and is_deeper(line.encode(), _MAX_DEPTH):
                raise BadFrame("JSON is nested too deep")
            if "\r" in line:  # now known to be white space between tokens
                command = _decode(line.replace("\r", ""))
            if command.publish is not None:
                if command.publish.data is not None:
                    # What may be kept for long must not hold the frame.
                    command.publish.data = command.publish.data.copy()
            elif command.subscribe is not None:
                _drop_nulls(command.subscribe)
            elif command.connect is not None:
                _drop_nulls(command.connect)
            commands.append(command)
        return commands

    def decode_call(self, frame: str | bytes) -> Call | None:
        """Take a frame apart that is one RPC, of a size in which nothing can be nested too deep."""
        # The name stands behind the id where SDKs write it.
        if isinstance(frame, bytes) or len(frame) > 2 * _MAX_DEPTH or frame.find('"rpc":', 0, 24) < 0:
            return None
        try:
            call = _decode_call(frame)
        except (ValueError, RecursionError):
            return None
        return call if call.id else None

    def encode(self, reply: Reply) -> bytes:
        """Encode one reply or push."""
        return _encode(reply)

    def encode_result(self, number: int, name: str, result: Any) -> bytes:
        """Encode the answer to a command."""
        return _encode(Reply(id=number) if result is None else _RESULTS[name](number, result))

    def encode_publication(self, channel: str, publication: Publication) -> bytes:
        """Encode the push of a publication."""
        return _encode(_PublicationReply(_PublicationPush(channel, publication)))

    def encode_message(self, data: bytes) -> bytes:
        """Encode the push of a message."""
        return b'{"push":{"message":{"data":%b}}}' % bytes(self.check_payload(data))

    def join(self, units: Sequence[bytes]) -> bytes:
        """Put units into one frame."""
        return b"\n".join(units)

    def check_payload(self, data: bytes) -> Payload:
        """Make a payload of bytes that should be one JSON value."""
        return check_json(data)

    def delta_data(self, publication: Publication, base: bytes | None) -> tuple[Payload, bool]:
        """Make the ``data`` for subscribers with deltas: a JSON string, of the payload or of a patch."""
        data = bytes(publication.data)
        full = _encode(data.decode())
        if base is not None:
            delta = create_delta(base, data, text=True)
            if delta is not None:
                patch = _encode(delta.decode())
                if len(patch) < len(full):
                    return Payload(patch), True
        return Payload(full), False


JSON = CentrifugeJSON()
