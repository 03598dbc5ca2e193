"""The objects of the HTTP handler; what passes on the wire is in test_http_exchange.py."""

from __future__ import annotations

from typing import cast

import pytest

from openline import Headers, HTTPRequest, HTTPRequestError, HTTPResponse, Server
from openline.exceptions import InvalidHeaderValue


class Chunks:
    """A body that is here already."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = list(chunks)

    async def next_chunk(self) -> bytes | None:
        return self.chunks.pop(0) if self.chunks else None


def request(source: Chunks, target: str = "/", **headers: str) -> HTTPRequest:
    fields = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return HTTPRequest("POST", target, fields, "1.1", None, False, cast("Server", None), source)


async def test_body() -> None:
    assert await request(Chunks(b"ab", b"c")).body() == b"abc"
    assert await request(Chunks()).body(0) == b""
    assert await request(Chunks(b"a" * 100)).body(None) == b"a" * 100
    assert [chunk async for chunk in request(Chunks(b"ab", b"c"))] == [b"ab", b"c"]


async def test_body_stops_at_the_limit() -> None:
    source = Chunks(b"ab", b"cd", b"ef")
    with pytest.raises(HTTPRequestError, match="larger than 3 bytes") as info:
        await request(source).body(3)
    assert info.value.status == 413
    assert source.chunks == [b"ef"]


async def test_body_is_not_begun_if_it_says_that_it_is_too_large() -> None:
    source = Chunks(b"abcd")
    with pytest.raises(HTTPRequestError):
        await request(source, Content_Length="4").body(3)
    assert source.chunks == [b"abcd"]


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [("/a?b=c?d", "/a", "b=c?d"), ("/a", "/a", ""), ("*", "*", ""), ("/?", "/", "")],
)
def test_path_and_query(target: str, path: str, query: str) -> None:
    got = request(Chunks(), target)
    assert (got.path, got.query) == (path, query)


def test_response() -> None:
    response = HTTPResponse(201, [("A", "1"), ("a", "2")], "text")
    assert (response.status, response.body) == (201, b"text")
    assert response.headers.get_all("A") == ["1", "2"]
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Content-Type" not in HTTPResponse(body=b"bytes").headers
    assert (
        HTTPResponse(headers={"content-type": "text/html"}, body="<p>").headers["Content-Type"] == "text/html"
    )
    assert repr(response) == "<HTTPResponse 201>"


def test_response_refuses() -> None:
    for status in (101, 199, 600):
        with pytest.raises(ValueError, match="200 to 599"):
            HTTPResponse(status)
    with pytest.raises(InvalidHeaderValue):
        HTTPResponse(headers={"X": "a\r\nb"})
