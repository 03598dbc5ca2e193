"""`openline serve --static`: files over HTTP, and nothing else of the disk."""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.cli.terminal import PATIENCE, Background, server

BIG = os.urandom(300_000)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A directory to serve, with secrets in it and beside it."""
    directory = tmp_path / "site"
    (directory / "sub dir").mkdir(parents=True)
    (directory / ".git").mkdir()
    (directory / "index.html").write_text("<h1>Grüße</h1>", encoding="utf-8")
    (directory / "sub dir" / "index.html").write_text("below")
    (directory / "app.js").write_text("1")
    (directory / "big.bin").write_bytes(BIG)
    (directory / "empty.txt").write_text("")
    (directory / ".git" / "config").write_text("secret")
    (directory / ".env").write_text("secret")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "site-secret").write_text("secret")
    (directory / "link.txt").symlink_to(tmp_path / "secret.txt")
    (directory / "linked").symlink_to(tmp_path)
    (directory / "inner.js").symlink_to(directory / "app.js")
    (directory / "circle").symlink_to(directory / "circle")
    return directory


@contextmanager
def serving(site: Path, *arguments: str) -> Iterator[tuple[Background, http.client.HTTPConnection, str]]:
    with server("--static", str(site), *arguments) as (command, url):
        connection = http.client.HTTPConnection(url.removeprefix("ws://"), timeout=PATIENCE)
        try:
            yield command, connection, url
        finally:
            connection.close()


def ask(
    connection: http.client.HTTPConnection, path: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection.request(
        method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    response = connection.getresponse()
    return response, response.read()


def test_files_come_with_their_types_on_one_connection(site: Path) -> None:
    with serving(site) as (_, connection, _):
        for path, kind, body in (
            ("/", "text/html; charset=utf-8", "<h1>Grüße</h1>".encode()),
            ("/index.html", "text/html; charset=utf-8", "<h1>Grüße</h1>".encode()),
            ("/app.js?version=2", "text/javascript; charset=utf-8", b"1"),
            ("/inner.js", "text/javascript; charset=utf-8", b"1"),
            ("/big.bin", "application/octet-stream", BIG),
            ("/empty.txt", "text/plain; charset=utf-8", b""),
            ("/sub%20dir/", "text/html; charset=utf-8", b"below"),
        ):
            response, received = ask(connection, path)
            assert (path, response.status, received) == (path, 200, body)
            assert response.headers["Content-Type"] == kind
            assert response.headers["Content-Length"] == str(len(body))
            assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_head_has_the_headers_alone(site: Path) -> None:
    with serving(site) as (_, connection, _):
        response, body = ask(connection, "/big.bin", "HEAD")
        assert (response.status, body) == (200, b"")
        assert response.headers["Content-Length"] == str(len(BIG))
        assert ask(connection, "/app.js")[1] == b"1"  # the connection goes on


def test_a_directory_is_redirected_to_its_slash(site: Path) -> None:
    with serving(site) as (_, connection, _):
        response, _ = ask(connection, "/sub%20dir")
        assert (response.status, response.headers["Location"]) == (308, "/sub%20dir/")
        response, _ = ask(connection, "//evil.example/sub%20dir/..")
        assert "evil" not in response.headers.get("Location", "")


def test_what_has_not_changed_is_not_sent_again_rfc9110_section_13_1_3(site: Path) -> None:
    with serving(site) as (_, connection, _):
        modified = ask(connection, "/app.js")[0].headers["Last-Modified"]
        response, body = ask(connection, "/app.js", If_Modified_Since=modified)
        assert (response.status, body) == (304, b"")
        response, body = ask(connection, "/app.js", If_Modified_Since="Mon, 01 Jan 2001 00:00:00 GMT")
        assert (response.status, body) == (200, b"1")
        response, body = ask(connection, "/app.js", If_Modified_Since="nonsense")
        assert (response.status, body) == (200, b"1")


# One server for all paths, since starting one takes longer than asking it.
ESCAPES = [
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/sub%20dir/../../secret.txt",
    "/..%2fsecret.txt",
    "/..%5csecret.txt",
    "/../site-secret",
    "//secret.txt",
    "/link.txt",
    "/linked/secret.txt",
    "/linked/site/.env",
    "/.env",
    "/.git/config",
    "/sub%20dir/../.env",
    "/index.html%00.txt",
    "/C:/Windows/win.ini",
    "/index.html::$DATA",
    "/circle",
    "/app.js/",
    "/app.js/more",
    "/" + "x" * 5000,
    "/nothing",
    "/sub%20dir/nothing/",
]


def test_there_is_no_way_out_of_the_directory(site: Path) -> None:
    with serving(site) as (_, connection, _):
        for path in ESCAPES:
            response, body = ask(connection, path)
            assert (path, response.status, body) == (path, 404, b"not found\n")


def test_other_methods_get_405(site: Path) -> None:
    with serving(site) as (_, connection, _):
        for method in ("POST", "PUT", "DELETE"):
            response, _ = ask(connection, "/app.js", method)
            assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_gets_403(site: Path) -> None:
    (site / "app.js").chmod(0)
    with serving(site) as (_, connection, _):
        assert ask(connection, "/app.js")[0].status == 403


def test_websockets_are_on_the_same_port(site: Path) -> None:
    with serving(site, "--access-log") as (command, connection, url):
        command.expect(f"serving {site} at {url.replace('ws://', 'http://')}/\n")
        with connect(url) as ws:
            ws.send("hi")
            assert ws.recv(PATIENCE) == "hi"
        assert ask(connection, "/nothing")[0].status == 404
        command.expect("GET /nothing 404")
