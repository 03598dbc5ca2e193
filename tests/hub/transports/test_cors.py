"""Which pages may use the hub over HTTP."""

from __future__ import annotations

import re
from typing import Any

import pytest

from openline.hub.transports.cors import answer_preflight, may_use
from openline.protocol.headers import Headers
from tests.hub.transports.speaking import CONNECT, ask, emulate, frame, open_hub, served, streaming

PAGE = "https://app.example"


class Request:
    """What is read of a request."""

    def __init__(self, **headers: str) -> None:
        self.method, self.path, self.query, self.remote_address, self.secure = (
            "POST",
            "/emulation",
            "",
            "",
            False,
        )
        self.headers = Headers([(name.replace("_", "-"), value) for name, value in headers.items()])

    async def body(self, limit: int | None = None) -> bytes:
        return b""


@pytest.mark.parametrize(
    ("headers", "allowed", "may"),
    [
        # No list: the host's own pages, and programs.
        ({"Host": "a.example"}, None, True),
        ({"Host": "a.example", "Origin": "https://a.example"}, None, True),
        ({"Host": "a.example", "Origin": "https://b.example"}, None, False),
        ({"Host": "a.example", "Origin": "null"}, None, False),
        # A list.
        ({"Origin": PAGE}, [PAGE], True),
        ({"Origin": "https://b.example"}, [PAGE], False),
        ({}, [PAGE], False),
        ({}, [PAGE, None], True),
        ({"Origin": "https://x.app.example"}, [re.compile(r"https://\w+\.app\.example")], True),
        # Browsers that send no Origin: pictures and scripts of foreign pages.
        ({"Host": "a.example", "Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Site": "cross-site"}, None, False),
        ({"Host": "a.example", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Site": "none"}, None, False),
        ({"Host": "a.example", "Sec_Fetch_Mode": "cors", "Sec_Fetch_Site": "same-site"}, None, False),
        ({"Sec_Fetch_Mode": "no-cors", "Sec_Fetch_Site": "cross-site"}, [PAGE, None], False),
        # The host's own page, whose GET has none.
        ({"Host": "a.example", "Sec_Fetch_Mode": "cors", "Sec_Fetch_Site": "same-origin"}, None, True),
        ({"Host": "app.example", "Sec_Fetch_Mode": "cors", "Sec_Fetch_Site": "same-origin"}, [PAGE], True),
        ({"Host": "b.example", "Sec_Fetch_Mode": "cors", "Sec_Fetch_Site": "same-origin"}, [PAGE], False),
    ],
)
def test_who_may(headers: dict[str, str], allowed: Any, may: bool) -> None:
    assert may_use(Request(**headers), allowed) is may


def test_two_origins_are_none_that_is_allowed() -> None:
    request = Request(Origin=PAGE)
    request.headers["Origin"] = PAGE
    assert not may_use(request, [PAGE])


def test_what_a_page_wants_to_send_is_said_back_unless_it_is_no_list_of_names() -> None:
    asked = Request(Origin=PAGE, Access_Control_Request_Headers="content-type, x-mine")
    answer = answer_preflight(asked, "POST")
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type, x-mine"
    odd = answer_preflight(Request(Origin=PAGE, Access_Control_Request_Headers='a"b: c'), "POST")
    assert "Access-Control-Allow-Headers" not in odd.headers


async def test_an_allowed_page_may_read_every_answer() -> None:
    hub = open_hub(allowed_origins=[PAGE])
    origin = {"Origin": PAGE}
    async with served(hub) as port:
        asked = {
            **origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        for path, method in {
            "/emulation": "POST",
            "/connection/http_stream": "POST",
            "/connection/sse": "GET",
        }.items():
            preflight = await ask(port, "OPTIONS", path, headers=asked)
            assert preflight.status == 204
            assert preflight.headers["access-control-allow-origin"] == PAGE
            assert preflight.headers["access-control-allow-credentials"] == "true"
            assert preflight.headers["access-control-allow-methods"] == method
            assert preflight.headers["access-control-allow-headers"] == "content-type"
            assert preflight.headers["vary"] == "Origin"
        async with streaming(port, CONNECT, headers=origin) as stream:
            assert stream.headers["access-control-allow-origin"] == PAGE
            await stream.line()
        wrong = await ask(port, "POST", "/emulation", b"{", origin)
        assert (wrong.status, wrong.headers["access-control-allow-origin"]) == (400, PAGE)
        large = await ask(port, "POST", "/emulation", b"x" * 2**20, origin)
        assert (large.status, large.headers["access-control-allow-origin"]) == (413, PAGE)


async def test_a_foreign_page_gets_nothing_and_changes_nothing() -> None:
    hub = open_hub(allowed_origins=[PAGE, None])
    foreign = {"Origin": "https://evil.example"}
    async with served(hub) as port, streaming(port) as stream:
        result = (await stream.line())["connect"]
        said = {"session": result["session"], "node": result["node"]}
        body = {**said, "data": frame({"id": 2, "subscribe": {"channel": "chat:a"}}).decode()}
        answer = await ask(port, "POST", "/emulation", body, foreign)
        assert answer.status == 403
        assert "access-control-allow-origin" not in answer.headers
        assert not next(iter(hub.sessions.values())).subscriptions
        for method in ("OPTIONS", "POST"):
            assert (await ask(port, method, "/connection/http_stream", b"{}", foreign)).status == 403
        assert await emulate(port, result, {"id": 2, "subscribe": {"channel": "chat:a"}}) == 204
