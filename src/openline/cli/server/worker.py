"""A worker of ``openline serve --workers``: serves on the shared port until its supervisor says so or is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from openline.cli.server.options import ServeOptions
from openline.cli.server.run import log_to_stderr, serve_until
from openline.cli.server.work import work


async def _serve(stop: asyncio.Event, options: dict[str, Any], ready: Callable[[list[Any]], None]) -> None:
    await serve_until(stop, ServeOptions.from_json(options), ready, reuse_port=True)


if __name__ == "__main__":
    log_to_stderr()
    asyncio.run(work(_serve))
