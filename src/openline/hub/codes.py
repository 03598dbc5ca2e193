"""Error, unsubscribe and disconnect codes of the client protocol, and the exceptions by which hooks refuse.

Three tables, one row a code. The ranges mean something to the SDKs:

- errors answer one command, and the session goes on; 400 to 1999 are the application's own;
- unsubscribe codes below 2500 are final, from 2500 on the client subscribes again;
- disconnect codes are WebSocket close codes: after 3000-3499 and 4000-4499 the client reconnects, after 3500-3999 and
  4500-4999 it does not.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Self

__all__ = [
    "Disconnect",
    "DisconnectCode",
    "ErrorCode",
    "Refused",
    "Unauthorized",
    "UnsubscribeCode",
    "explain",
    "is_temporary",
    "reconnects",
]


class ErrorCode(IntEnum):
    """Why a command failed."""

    message: str
    temporary: bool

    def __new__(cls, code: int, message: str, temporary: bool = False) -> Self:
        member = int.__new__(cls, code)
        member._value_ = code
        member.message = message
        member.temporary = temporary
        return member

    INTERNAL = 100, "internal server error", True
    UNAUTHORIZED = 101, "unauthorized"
    UNKNOWN_CHANNEL = 102, "unknown channel"
    PERMISSION_DENIED = 103, "permission denied"
    METHOD_NOT_FOUND = 104, "method not found"
    ALREADY_SUBSCRIBED = 105, "already subscribed"
    LIMIT_EXCEEDED = 106, "limit exceeded"
    BAD_REQUEST = 107, "bad request"
    NOT_AVAILABLE = 108, "not available"
    TOKEN_EXPIRED = 109, "token expired"
    EXPIRED = 110, "expired"
    TOO_MANY_REQUESTS = 111, "too many requests", True
    UNRECOVERABLE_POSITION = 112, "unrecoverable position"
    CONCURRENT_PAGINATION = 113, "concurrent pagination", True


class UnsubscribeCode(IntEnum):
    """Why the server ended a subscription."""

    reason: str

    def __new__(cls, code: int, reason: str) -> Self:
        member = int.__new__(cls, code)
        member._value_ = code
        member.reason = reason
        return member

    CLIENT = 0, "client unsubscribed"
    DISCONNECT = 1, "client disconnected"
    SERVER = 2000, "server unsubscribe"
    INSUFFICIENT = 2500, "insufficient state"
    EXPIRED = 2501, "subscription expired"
    INVALIDATED = 2502, "state invalidated"


class DisconnectCode(IntEnum):
    """Why the server ended a session; the WebSocket close code, where the transport has one."""

    reason: str

    def __new__(cls, code: int, reason: str) -> Self:
        member = int.__new__(cls, code)
        member._value_ = code
        member.reason = reason
        return member

    CONNECTION_CLOSED = 3000, "connection closed"
    SHUTDOWN = 3001, "shutdown"
    SERVER_ERROR = 3004, "internal server error"
    EXPIRED = 3005, "connection expired"
    SUBSCRIPTION_EXPIRED = 3006, "subscription expired"
    SLOW = 3008, "slow"
    WRITE_ERROR = 3009, "write error"
    INSUFFICIENT_STATE = 3010, "insufficient state"
    FORCE_RECONNECT = 3011, "force reconnect"
    NO_PONG = 3012, "no pong"
    TOO_MANY_REQUESTS = 3013, "too many requests"
    STATE_INVALIDATED = 3014, "state invalidated"
    INVALID_TOKEN = 3500, "invalid token"
    BAD_REQUEST = 3501, "bad request"
    STALE = 3502, "stale"
    FORCE_NO_RECONNECT = 3503, "force disconnect"
    CONNECTION_LIMIT = 3504, "connection limit"
    CHANNEL_LIMIT = 3505, "channel limit"
    INAPPROPRIATE_PROTOCOL = 3506, "inappropriate protocol"
    PERMISSION_DENIED = 3507, "permission denied"
    NOT_AVAILABLE = 3508, "not available"
    TOO_MANY_ERRORS = 3509, "too many errors"


def is_temporary(code: int) -> bool:
    """Tell whether a client may repeat a command that failed with this code."""
    try:
        return ErrorCode(code).temporary
    except ValueError:
        return False


def explain(code: int) -> str:
    """Return the standard reason of an unsubscribe code; empty for one that is not in the table."""
    try:
        return UnsubscribeCode(code).reason
    except ValueError:
        return ""


def reconnects(code: int) -> bool:
    """Tell whether an SDK reconnects after this disconnect code."""
    return not (3500 <= code < 4000 or 4500 <= code < 5000)


class Refused(Exception):
    """Raise this in a hook to refuse what a client asks for; its command is answered with this error.

    Args:
        code: An `ErrorCode`, or a number from 400 to 1999 of the application's own.
        message: What the client is told. None: the standard text of the code.
        temporary: Whether the client may try again. None: as the code says.
    """

    def __init__(
        self,
        code: int = ErrorCode.PERMISSION_DENIED,
        message: str | None = None,
        *,
        temporary: bool | None = None,
    ) -> None:
        try:
            known: ErrorCode | None = ErrorCode(code)
        except ValueError:
            known = None
            if not 400 <= code <= 1999:
                raise ValueError(f"error codes of an application are 400 to 1999, not {code}") from None
        self.code = int(code)
        self.message = message if message is not None else known.message if known else "refused"
        self.temporary = is_temporary(code) if temporary is None else temporary
        super().__init__(f"{self.code}: {self.message}")


class Unauthorized(Refused):
    """Raise this in a hook: nobody is let in without a name (error 101)."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(ErrorCode.UNAUTHORIZED, message)


class Disconnect(Exception):
    """Raise this in a hook to end the session.

    Args:
        code: A `DisconnectCode`, or a number from 4000 to 4999 of the application's own: after 4000 to 4499 the client
            reconnects, after 4500 to 4999 it does not.
        reason: What the client is told, at most 123 bytes in UTF-8. None: the standard text of the code.
    """

    def __init__(self, code: int = DisconnectCode.FORCE_NO_RECONNECT, reason: str | None = None) -> None:
        if not 3000 <= code <= 4999:
            raise ValueError(f"disconnect codes are 3000 to 4999, not {code}")
        if reason is None:
            try:
                reason = DisconnectCode(code).reason
            except ValueError:
                reason = ""
        if len(reason.encode()) > 123:
            raise ValueError("a reason is at most 123 bytes in UTF-8 (RFC 6455 section 5.5)")
        self.code = int(code)
        self.reason = reason
        super().__init__(f"{self.code}: {reason}")

    @property
    def reconnect(self) -> bool:
        """Whether the client will come back by itself."""
        return reconnects(self.code)
