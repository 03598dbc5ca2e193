"""Sessions by user."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["Users"]


class Users:
    """Which sessions a user has, on this node. Anonymous sessions are not listed.

    Most users have one session, and a set for each would be most of what this takes: so one session stands for itself.
    """

    def __init__(self) -> None:
        self._sessions: dict[str, Session | set[Session]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def of(self, user: str) -> list[Session]:
        """Return the sessions of a user."""
        known = self._sessions.get(user)
        if known is None:
            return []
        return list(known) if isinstance(known, set) else [known]

    def add(self, session: Session) -> None:
        """A session was let in."""
        user = session.listed = session.user
        if not user:
            return
        known = self._sessions.get(user)
        if known is None:
            self._sessions[user] = session
        elif isinstance(known, set):
            known.add(session)
        else:
            self._sessions[user] = {known, session}

    def remove(self, session: Session) -> None:
        """It has ended. Idempotent."""
        # By the name it was added under: a hook may have changed the other since.
        user = session.listed
        known = self._sessions.get(user)
        if known is session:
            del self._sessions[user]
        elif isinstance(known, set):
            known.discard(session)
            if not known:
                del self._sessions[user]
