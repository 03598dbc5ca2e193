"""The server code of the pages, as it stands in the files that run."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from types import ModuleType

from openline.playground.static_files import SECURITY_HEADERS
from openline.websocket.http import HTTPRequest, HTTPResponse

PREFIX = "/sources/"


class Sources:
    """Answers ``GET /sources/NAME`` with ``{"file": ..., "code": ...}``.

    Args:
        modules: The pages' modules by their names; read once, here.
    """

    def __init__(self, modules: Mapping[str, ModuleType]) -> None:
        self._answers = {
            PREFIX + name: json.dumps(
                {"file": module.__name__.replace(".", "/") + ".py", "code": inspect.getsource(module)}
            )
            for name, module in modules.items()
        }

    async def respond(self, request: HTTPRequest) -> HTTPResponse:
        """Answer a request below `PREFIX`."""
        code = self._answers.get(request.path)
        if code is None:
            return HTTPResponse(404, SECURITY_HEADERS, "There is no such page.\n")
        headers = {**SECURITY_HEADERS, "Content-Type": "application/json", "Cache-Control": "no-cache"}
        return HTTPResponse(200, headers, code)
