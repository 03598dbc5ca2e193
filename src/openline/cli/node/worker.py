"""A worker of ``openline hub --workers``; how it hears from its supervisor is written in `openline.cli.server.work`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from openline.cli.node.logs import log_to_stderr
from openline.cli.node.options import NodeOptions
from openline.cli.node.run import serve_until
from openline.cli.server.work import work


async def _serve(stop: asyncio.Event, options: dict[str, Any], ready: Callable[[list[Any]], None]) -> None:
    known = NodeOptions.from_json(options)
    log_to_stderr(known.log_level, known.log_format)
    await serve_until(stop, known, lambda _config, addresses: ready(addresses), reuse_port=True)


if __name__ == "__main__":
    asyncio.run(work(_serve))
