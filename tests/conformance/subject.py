"""The seam: whose `serve` and `connect` the suites drive.

``OPENLINE_TEST_SUBJECT=websockets`` turns the suites on the `websockets` library instead. It shows that they ask for
what the RFC asks for, and not for what openline happens to do.
"""

from __future__ import annotations

import os

NAME = os.environ.get("OPENLINE_TEST_SUBJECT", "openline")

if NAME == "openline":
    from openline import broadcast, connect, exceptions, serve
    from openline.protocol.extensions.permessage_deflate import (
        ClientPerMessageDeflateFactory,
        ServerPerMessageDeflateFactory,
    )
elif NAME == "websockets":
    from websockets import exceptions  # type: ignore[no-redef]
    from websockets.asyncio.client import connect  # type: ignore[assignment]
    from websockets.asyncio.server import broadcast, serve  # type: ignore[assignment]
    from websockets.extensions.permessage_deflate import (  # type: ignore[assignment]
        ClientPerMessageDeflateFactory,
        ServerPerMessageDeflateFactory,
    )
else:
    raise RuntimeError(f"OPENLINE_TEST_SUBJECT is openline or websockets, not {NAME!r}")

# openline's close reasons and error texts name the section; that is its own rule, and not the RFC's.
NAMES_SECTIONS = NAME == "openline"

__all__ = [
    "NAME",
    "NAMES_SECTIONS",
    "ClientPerMessageDeflateFactory",
    "ServerPerMessageDeflateFactory",
    "broadcast",
    "connect",
    "exceptions",
    "serve",
]
