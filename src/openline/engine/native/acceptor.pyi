import socket
import ssl
from collections.abc import Callable
from typing import Any

from openline.engine.native.reactor import Reactor

class Acceptor:
    def __init__(
        self,
        reactor: Reactor,
        sock: socket.socket,
        factory: Callable[[], Any],
        context: ssl.SSLContext | None,
        tls_timeout: float,
    ) -> None: ...
    def close(self) -> None: ...
