"""The start page: one line, and somebody who says back what is said on it."""

from __future__ import annotations

from typing import Any

from openline.hub import Session
from openline.playground.application import Application


def install(app: Application) -> None:
    """Add the page's server side."""

    @app.hub.rpc("start.echo")
    async def echo(session: Session, data: Any) -> Any:
        return data
