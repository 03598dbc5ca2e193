"""A document from a web server that may be slow, long, broken or somebody else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trustme

from openline import HTTPRequest, HTTPResponse, ServerConnection, serve
from openline.hub.auth.fetch import Document, FetchFailed


@asynccontextmanager
async def raw(answer: bytes, *, hang: bool = False) -> AsyncIterator[str]:
    """A server that says just these bytes, and then closes, or not."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        with suppress(ConnectionError):  # who asked has heard enough
            if hang:
                await reader.read()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"


def document(url: str, *, insecure: bool = False, max_size: int = 1000, timeout: float = 20) -> Document:
    return Document(url, insecure=insecure, max_size=max_size, timeout=timeout)


async def no_sockets(ws: ServerConnection) -> None:
    await ws.close()


async def test_the_document_of_a_real_server() -> None:
    asked: list[tuple[str, str, str | None]] = []

    async def answer(request: HTTPRequest) -> HTTPResponse:
        asked.append((request.path, request.query, request.headers.get("Host")))
        return HTTPResponse(body=b"{}")

    async with serve(no_sockets, "127.0.0.1", 0, http=answer) as server:
        port = server.sockets[0].getsockname()[1]
        assert await document(f"http://127.0.0.1:{port}/a/b?c=d").get() == b"{}"
        assert await document(f"http://localhost:{port}").get() == b"{}"
    assert asked == [("/a/b", "c=d", f"127.0.0.1:{port}"), ("/", "", f"localhost:{port}")]


async def test_tls_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def answer(_request: HTTPRequest) -> HTTPResponse:
        return HTTPResponse(body=b"secret")

    async with serve(no_sockets, "127.0.0.1", 0, http=answer, ssl=context) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(FetchFailed, match="CERTIFICATE_VERIFY_FAILED"):
            await document(url).get()
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert await document(url).get() == b"secret"


async def test_a_body_without_a_length_ends_with_the_connection() -> None:
    async with raw(b"HTTP/1.1 200 OK\r\n\r\n{}") as url:
        assert await document(url).get() == b"{}"


async def test_a_body_in_chunks_after_an_early_hint() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    async with raw(
        early + b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
    ) as url:
        assert await document(url).get() == b"{}"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"3e8\r\n"
        + b"x" * 1000
        + b"\r\n1\r\nx\r\n",
    ],
)
async def test_a_long_answer_is_not_read_to_its_end(answer: bytes) -> None:
    async with raw(answer, hang=True) as url:
        with pytest.raises(FetchFailed, match="longer than 1000 bytes"):
            await document(url).get()


@pytest.mark.parametrize(
    "status", [b"302 Found\r\nLocation: http://127.0.0.1/", b"404 Not Found", b"500 Oops", b"204 No"]
)
async def test_only_status_200_is_an_answer(status: bytes) -> None:
    async with raw(b"HTTP/1.1 " + status + b"\r\n\r\n") as url:
        with pytest.raises(FetchFailed, match=f"status {status[:3].decode()}"):
            await document(url).get()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 5,
    ],
)
async def test_a_broken_answer(answer: bytes) -> None:
    async with raw(answer) as url:
        with pytest.raises(FetchFailed):
            await document(url).get()


async def test_a_server_that_says_nothing_is_given_up() -> None:
    async with raw(b"HTTP/1.1 200 OK\r\n", hang=True) as url:
        with pytest.raises(FetchFailed, match=r"no answer within 0\.05 s"):
            await document(url, timeout=0.05).get()


async def test_nobody_there() -> None:
    async with raw(b"") as url:
        pass
    with pytest.raises(FetchFailed):
        await document(url).get()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "keys.json",
        "ftp://example.org/keys",
        "file:///etc/passwd",
        "https://",
        "https://user@example.org/",
        "https://example.org/#x",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://[::1",
        "https://example.org/a b",
        "https://example.org/\r\nX: y",
        "https://exämple.org/",
    ],
)
def test_what_is_no_address_of_the_web_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError):
        document(url)


@pytest.mark.parametrize("host", ["example.org", "10.0.0.1", "localhost.example.org", "0.0.0.0"])
def test_http_to_other_machines_must_be_asked_for(host: str) -> None:
    with pytest.raises(ValueError, match="use https"):
        document(f"http://{host}/")
    document(f"http://{host}/", insecure=True)
    document(f"https://{host}/")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_http_on_this_machine_is_allowed(host: str) -> None:
    document(f"http://{host}:8080/keys")
