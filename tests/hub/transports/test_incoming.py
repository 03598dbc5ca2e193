"""What is read of a request."""

from __future__ import annotations

import pytest

from openline.hub.transports.incoming import address_of
from tests.hub.transports.speaking import open_hub, served, streaming


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        (("10.1.2.3", 443), "10.1.2.3"),
        (("::1", 443, 0, 0), "::1"),
        (["10.1.2.3", 1], "10.1.2.3"),
        ("", ""),
        (None, ""),
        ((), ""),
    ],
)
def test_the_address_in_what_a_socket_calls_its_peer(remote: object, address: str) -> None:
    assert address_of(remote) == address


async def test_a_hook_sees_the_request_that_the_client_came_with() -> None:
    hub = open_hub()
    seen = []

    @hub.on_disconnect
    def gone(session: object) -> None:
        seen.append(session)

    async with served(hub) as port, streaming(port, headers={"X-Who": "me"}) as stream:
        await stream.line()
        session = next(iter(hub.sessions.values()))
        assert session.request.path == "/connection/http_stream"
        assert session.request.headers["x-who"] == "me"
        assert session.transport.remote_address == "127.0.0.1"
        assert session.transport.name == "http_stream"
    assert seen == [session]
