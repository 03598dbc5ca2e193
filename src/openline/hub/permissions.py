"""Who may do what in a channel, as far as its options say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openline.hub.codes import ErrorCode, Refused
from openline.hub.namespace import Access, ChannelOptions, users_of

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["check_access", "may_subscribe"]


def may_subscribe(session: Session, channel: str, options: ChannelOptions) -> bool:
    """Tell whether a client may subscribe without a token or a hook that says so."""
    if session.hub.options.insecure:
        return True
    users = users_of(channel)
    if users is not None:
        # The name itself says who may, and nobody else; but not in a namespace that is closed.
        return options.subscribe != "nobody" and session.user != "" and session.user in users
    if options.subscribe == "anyone":
        return True
    return options.subscribe == "users" and session.user != ""


def check_access(session: Session, channel: str, access: Access) -> None:
    """Refuse what the options of a channel do not allow.

    Raises:
        Refused: 103.
    """
    if session.hub.options.insecure:
        return
    if access == "anyone":
        users = users_of(channel)
        # Where the name says who may, that is nobody else; but for whom a token or a hook has let in.
        if users is None or (session.user and session.user in users):
            return
        access = "subscribers"
    if access != "nobody" and channel in session.subscriptions and (access == "subscribers" or session.user):
        return
    raise Refused(ErrorCode.PERMISSION_DENIED)
