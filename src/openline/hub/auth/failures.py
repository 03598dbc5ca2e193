"""Why a token was not accepted: three outcomes, since a client does something else after each.

Refused                the answer to one command
├── TokenInvalid       103: nobody will ever accept it. On connect the session ends with 3500: the client stays away
├── TokenExpired       109: the client asks its application for a new token and comes again
└── KeysUnavailable    100, temporary: the keys could not be had; the client comes again with the same token
"""

from __future__ import annotations

from openline.hub.codes import ErrorCode, Refused

__all__ = ["KeysUnavailable", "TokenExpired", "TokenInvalid"]


class TokenInvalid(Refused):
    """A token that is malformed, not signed by a key of ours, or says something impossible.

    Args:
        detail: What is wrong, for the log. The client is not told: it would help only who forges.

    Attributes:
        detail: The same.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorCode.PERMISSION_DENIED)
        self.detail = detail

    def __str__(self) -> str:
        return f"invalid token: {self.detail}"


class TokenExpired(Refused):
    """A token whose time is over (``exp``), or has not come yet (``nbf``)."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.TOKEN_EXPIRED)


class KeysUnavailable(Refused):
    """The key that a token names is not known, and could not be asked for just now.

    Args:
        detail: Why, for the log.

    Attributes:
        detail: The same.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorCode.INTERNAL)
        self.detail = detail

    def __str__(self) -> str:
        return f"token keys unavailable: {self.detail}"
