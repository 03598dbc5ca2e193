"""How connections to documents are closed: WebSocket close codes, as providers of Yjs understand them.

From 4400 to 4499 a provider stops: to come back would change nothing. After any other it comes back and syncs.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["CloseDocument"]


class CloseDocument(IntEnum):
    """Why the server closed a connection."""

    MALFORMED = 4400
    DENIED = 4403
    TOO_LARGE = 4413
    TRY_LATER = 4503
