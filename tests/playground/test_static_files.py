"""StaticFiles: types, headers, what is cached, and what is never served."""

from __future__ import annotations

from pathlib import Path

import pytest

from openline.playground.static_files import StaticFiles
from openline.protocol.headers import Headers
from openline.websocket.http import HTTPRequest, HTTPResponse


class NoBody:
    async def next_chunk(self) -> None:
        return None


def request(path: str, method: str = "GET", **headers: str) -> HTTPRequest:
    fields = Headers((name.replace("_", "-"), value) for name, value in headers.items())
    return HTTPRequest(method, path, fields, "1.1", ("127.0.0.1", 1), False, None, NoBody())


@pytest.fixture
def build(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "assets" / "main-abc.js").write_text("export {};")
    (tmp_path / "assets" / "font-abc.woff2").write_bytes(b"wOF2")
    return tmp_path


async def get(build: Path, path: str, **headers: str) -> HTTPResponse:
    return await StaticFiles(build, ("/", "/chat")).respond(request(path, **headers))


@pytest.mark.parametrize(
    ("path", "content_type", "cache"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/chat", "text/html; charset=utf-8", "no-cache"),
        ("/assets/main-abc.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/assets/font-abc.woff2", "font/woff2", "public, max-age=31536000, immutable"),
    ],
)
async def test_a_file_has_its_type_and_its_cache_time(
    build: Path, path: str, content_type: str, cache: str
) -> None:
    response = await get(build, path)
    assert response.status == 200
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Cache-Control"] == cache


@pytest.mark.parametrize("path", ["/", "/nowhere"])
async def test_every_answer_forbids_foreign_content(build: Path, path: str) -> None:
    response = await get(build, path)
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["/../server.py", "/assets/../index.html", "//etc/passwd", "/assets/", "/index.html%00", "/%69ndex.html"],
)
async def test_a_path_is_looked_up_and_never_opened(build: Path, path: str) -> None:
    assert (await get(build, path)).status == 404


async def test_what_the_browser_has_is_not_sent_again(build: Path) -> None:
    first = await get(build, "/")
    again = await get(build, "/", If_None_Match=first.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


async def test_other_methods_are_refused(build: Path) -> None:
    response = await StaticFiles(build, ("/",)).respond(request("/", method="POST"))
    assert response.status == 405
    assert response.headers["Allow"] == "GET, HEAD"


async def test_without_a_build_every_page_says_how_to_make_one(tmp_path: Path) -> None:
    response = await get(tmp_path / "static", "/anything")
    assert response.status == 503
    assert b"make demo" in response.body


def test_a_file_of_unknown_type_is_refused_at_the_start(build: Path) -> None:
    (build / "notes.doc").write_bytes(b"")
    with pytest.raises(ValueError, match=r"notes\.doc"):
        StaticFiles(build, ("/",))


def test_a_build_that_is_no_build_by_its_size_is_refused(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openline.playground.static_files.MAX_TOTAL_SIZE", 20)
    with pytest.raises(ValueError, match="more than 20 bytes"):
        StaticFiles(build, ("/",))


async def test_a_page_may_be_allowed_further_ports_of_the_host_that_was_asked(build: Path) -> None:
    files = StaticFiles(build, ("/", "/chat"))
    asked = request("/chat", Host="example.org:8000", If_None_Match="anything")
    response = await files.respond(asked, {"connect-src": (8001, 8002), "frame-src": (8003,)})
    directives = dict(
        part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";")
    )
    allowed = [
        f"{scheme}://example.org:{port}" for port in (8001, 8002) for scheme in ("http", "https", "ws", "wss")
    ]
    assert directives["connect-src"].split() == ["'self'", *allowed]
    assert directives["frame-src"].split() == ["http://example.org:8003", "https://example.org:8003"]
    assert directives["default-src"] == "'none'"
    # Its policy changes with the server, and a browser that is told "not modified" keeps the one it has.
    assert response.headers["Cache-Control"] == "no-store"
    assert "ETag" not in response.headers


async def test_an_address_in_a_policy_keeps_its_brackets(build: Path) -> None:
    response = await StaticFiles(build, ("/",)).respond(request("/", Host="[::1]:80"), {"frame-src": (1,)})
    assert "frame-src http://[::1]:1 https://[::1]:1" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("host", ["", "*", "a;script-src *:80", "a b"])
async def test_a_host_that_could_be_more_than_a_host_enters_no_policy(build: Path, host: str) -> None:
    with pytest.raises(ValueError, match="is no host"):
        await StaticFiles(build, ("/",)).respond(request("/", Host=host), {"frame-src": (1,)})
