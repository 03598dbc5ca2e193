"""Close codes and the payload of Close frames (RFC 6455 sections 5.5.1 and 7.4).

The codes are those of the registry "WebSocket Close Code Number" at IANA. A code to be added is one row of
`CloseCode` and one of `_EXPLANATIONS`; if it never travels in a frame, it goes into `_NEVER_SENT` as well.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from openline.exceptions import ProtocolError
from openline.protocol.utf8 import Utf8Decoder

__all__ = ["Close", "CloseCode", "explain", "is_sendable"]

# A control frame holds 125 bytes (section 5.5), of which the code takes two.
_MAX_REASON_SIZE = 123


class CloseCode(enum.IntEnum):
    """The registered close codes."""

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    # 1004 is reserved.
    NO_STATUS_RCVD = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015


_EXPLANATIONS: dict[int, str] = {
    CloseCode.NORMAL_CLOSURE: "OK",
    CloseCode.GOING_AWAY: "going away",
    CloseCode.PROTOCOL_ERROR: "protocol error",
    CloseCode.UNSUPPORTED_DATA: "unsupported data",
    CloseCode.NO_STATUS_RCVD: "no status received [internal]",
    CloseCode.ABNORMAL_CLOSURE: "abnormal closure [internal]",
    CloseCode.INVALID_DATA: "invalid frame payload data",
    CloseCode.POLICY_VIOLATION: "policy violation",
    CloseCode.MESSAGE_TOO_BIG: "message too big",
    CloseCode.MANDATORY_EXTENSION: "mandatory extension",
    CloseCode.INTERNAL_ERROR: "internal error",
    CloseCode.SERVICE_RESTART: "service restart",
    CloseCode.TRY_AGAIN_LATER: "try again later",
    CloseCode.BAD_GATEWAY: "bad gateway",
    CloseCode.TLS_HANDSHAKE: "TLS handshake failure [internal]",
}

# Section 7.4.1: these stand for what happened where no Close frame came, or an empty one.
_NEVER_SENT = {CloseCode.NO_STATUS_RCVD, CloseCode.ABNORMAL_CLOSURE, CloseCode.TLS_HANDSHAKE}

_SENDABLE = frozenset(code.value for code in CloseCode if code not in _NEVER_SENT)


def is_sendable(code: int) -> bool:
    """Tell whether ``code`` may stand in a Close frame (RFC 6455 sections 7.4.1 and 7.4.2).

    That is: 1000-1003 and 1007-1014 as registered, 3000-3999 (libraries and frameworks, registered on
    request), and 4000-4999 (private use).
    """
    return code in _SENDABLE or 3000 <= code <= 4999


def explain(code: int) -> str:
    """Say in a few words what ``code`` means, whether or not it is registered."""
    if 3000 <= code <= 3999:
        return "registered"
    if 4000 <= code <= 4999:
        return "private use"
    return _EXPLANATIONS.get(code, "unknown")


@dataclass(frozen=True, slots=True)
class Close:
    """What a Close frame says.

    Attributes:
        code: The close code. 1005 stands for a Close frame without one (section 7.1.5).
        reason: Text for people who search for an error, at most 123 bytes of UTF-8; may be empty.
    """

    code: int
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.code:d} ({explain(self.code)}) {self.reason}".rstrip()

    @classmethod
    def parse(cls, payload: bytes, *, whole: bool = True) -> Close:
        """Read the payload of a Close frame (section 5.5.1).

        Args:
            payload: The payload, unmasked.
            whole: False to check a payload of which more is to come.

        Raises:
            ProtocolError: There is half a code, or a code that must not be sent.
            UnicodeDecodeError: The reason is not UTF-8.
        """
        if not payload:
            return cls(CloseCode.NO_STATUS_RCVD)
        if len(payload) == 1:
            if whole:
                raise ProtocolError("RFC 6455 section 5.5.1: close frame with one byte")
            return cls(CloseCode.NO_STATUS_RCVD)
        code = int.from_bytes(payload[:2], "big")
        if not is_sendable(code):
            raise ProtocolError(f"RFC 6455 section 7.4: close code {code} received")
        return cls(code, Utf8Decoder().decode(payload[2:], final=whole))

    def serialize(self) -> bytes:
        """Write the payload of a Close frame; nothing for 1005, which stands for just that.

        Raises:
            ProtocolError: The code must not be sent, there is a reason without a code, or the reason is too
                long.
        """
        if self.code == CloseCode.NO_STATUS_RCVD:
            if self.reason:
                raise ProtocolError("RFC 6455 section 5.5.1: close reason without a close code")
            return b""
        if not is_sendable(self.code):
            raise ProtocolError(f"RFC 6455 section 7.4: close code {self.code} must not be sent")
        reason = self.reason.encode()
        if len(reason) > _MAX_REASON_SIZE:
            raise ProtocolError(f"RFC 6455 section 5.5: close reason over {_MAX_REASON_SIZE} bytes")
        return self.code.to_bytes(2, "big") + reason

    def shortened(self) -> Close:
        """Cut the reason, between two characters, to what fits into a Close frame."""
        reason = self.reason.encode(errors="replace")[:_MAX_REASON_SIZE].decode(errors="ignore")
        return Close(self.code, reason)
