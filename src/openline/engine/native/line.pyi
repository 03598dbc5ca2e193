import ssl
from collections.abc import Callable, Iterable
from typing import Any

from openline.engine import base
from openline.engine.native.reactor import Reactor

class Line(base.Line):
    def attach(self, reactor: Reactor, fd: int) -> None: ...
    def start_tls(
        self,
        context: ssl.SSLContext,
        *,
        server_side: bool = False,
        server_hostname: str | None = None,
        established: Callable[[Exception | None], None] | None = None,
    ) -> None: ...
    @staticmethod
    def split_plain(lines: Iterable[Any]) -> tuple[list[Any], list[Any]]: ...
    @staticmethod
    def fan_out(lines: Iterable[Any], frame: bytes) -> None: ...
