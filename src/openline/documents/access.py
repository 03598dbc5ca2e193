"""Who may open a document: asked of the application, where it says so, or else of the hub's options."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from openline.documents.lib0 import Malformed
from openline.hub.codes import Refused
from openline.hub.eager import call
from openline.hub.permissions import check_access, may_subscribe

if TYPE_CHECKING:
    from openline.hub.session import Session

__all__ = ["NAMESPACE", "Access", "access_of", "name_in"]

Access = Literal["read", "write"]

NAMESPACE = "documents"
"""The hub's namespace whose options say who may do what, where no ``on_open`` does."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def name_in(path: str, prefix: str, most: int) -> str:
    """Return the name of the document in the path of a request.

    Args:
        path: Path and query.
        prefix: What stands before the name.
        most: Characters that it may have.

    Raises:
        Malformed: there is none, or it has signs that no name has.
    """
    path = path.partition("?")[0]
    if not path.startswith(prefix):
        raise Malformed("no document has this path")
    try:
        name = unquote(path[len(prefix) :], errors="strict")
    except UnicodeDecodeError:
        raise Malformed("the name is not UTF-8") from None
    if not name or len(name) > most or _CONTROLS.search(name):
        raise Malformed("no document has this name")
    return name


async def access_of(session: Session, name: str, hook: Callable[..., Any] | None) -> Access:
    """Ask whether somebody may read a document, or write it, too.

    Args:
        session: Who; ``on_connect`` has said who that is.
        name: The document.
        hook: The application's ``on_open``. None: the options of the namespace ``documents`` count: who may subscribe
            to the channel ``documents:<name>`` may read, and who may publish there may write.

    Raises:
        Refused: he may not.
        TypeError: the hook has returned what means nothing.
    """
    if hook is not None:
        answer = await call(hook, session, name)
        if answer not in ("read", "write"):
            raise TypeError(f"on_open must return 'read' or 'write', or raise, not {answer!r}")
        return answer
    channel = f"{NAMESPACE}:{name}"
    options = session.hub.options_of(channel)
    subscribe = session.hub.hooks_of(channel).get("subscribe")
    granted = subscribe is not None and await call(subscribe, session, channel, None) is not None
    if not granted and not may_subscribe(session, channel, options):
        raise Refused
    if options.publish == "subscribers" or (options.publish == "users" and session.user):
        return "write"
    try:
        check_access(session, channel, options.publish)
    except Refused:
        return "read"
    return "write"
