"""The heads of HTTP/1.1 messages (RFC 9112 sections 2 to 5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.exceptions import (
    HeaderLineTooLong,
    InvalidMessage,
    RequestLineTooLong,
    SecurityError,
    StatusLineTooLong,
    TooManyHeaders,
)
from openline.protocol.headers import Headers
from openline.protocol.http11 import (
    MAX_HEAD_SIZE,
    MAX_HEADERS,
    MAX_LINE_SIZE,
    Request,
    Response,
    find_head_end,
    parse_request,
    parse_response,
)

HEAD = b"GET /chat?a=b HTTP/1.1\r\nHost: example.com\r\nX-A:\t b \r\nX-A:\r\n\r\n"


def test_rfc9112_3_request() -> None:
    request = parse_request(HEAD)
    assert (request.method, request.path, request.protocol) == ("GET", "/chat?a=b", "HTTP/1.1")
    assert list(request.headers.raw_items()) == [("Host", "example.com"), ("X-A", "b"), ("X-A", "")]


def test_rfc9112_3_request_is_written() -> None:
    request = Request("/", Headers({"Host": "a"}))
    assert request.serialize() == b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert parse_request(request.serialize()) == request


def test_rfc9112_4_response() -> None:
    response = parse_response(b"HTTP/1.1 404 Not Found\r\nA: \xe9\r\n\r\n")
    assert response == Response(404, "Not Found", Headers({"A": "é"}))
    assert response.serialize() == b"HTTP/1.1 404 Not Found\r\nA: \xe9\r\n\r\n"


def test_rfc9112_4_response_is_written_with_its_body() -> None:
    assert Response(200, "OK", Headers(), b"body").serialize() == b"HTTP/1.1 200 OK\r\n\r\nbody"


@pytest.mark.parametrize("line", [b"HTTP/1.1 200", b"HTTP/1.1 200 "])
def test_rfc9112_4_reason_phrase_may_be_missing(line: bytes) -> None:
    assert parse_response(line + b"\r\n\r\n").reason_phrase == ""


def test_rfc9112_4_only_proxies_may_answer_with_http_1_0() -> None:
    head = b"HTTP/1.0 200 Connection established\r\n\r\n"
    assert parse_response(head, proxy=True).status_code == 200
    with pytest.raises(InvalidMessage):
        parse_response(head)


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1 99 a",
        b"HTTP/1.1 600 a",
        b"HTTP/1.1 1000 a",
        b"HTTP/2.0 200 a",
        b"HTTP/1.1  200 a",
        b"HTTP/1.1 +10 a",
        b"http/1.1 200 OK HTTP/1.1",
    ],
)
def test_rfc9112_4_invalid_status_line(line: bytes) -> None:
    with pytest.raises(InvalidMessage, match="RFC 9112 section 4: invalid status line"):
        parse_response(line + b"\r\n\r\n", proxy=True)


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1 ",
        b" GET / HTTP/1.1",
        b"GET  / HTTP/1.1",
        b"GET / HTTP/11",
        b"GET / xHTTP/1.1",
        b"GET /\xe9 HTTP/1.1",
        b"GET /a b HTTP/1.1",
        b"G(T / HTTP/1.1",
        b"HTTP/1.1 200 OK",
        b"GET HTTP/1.1",
        b"GET\t/ HTTP/1.1",
    ],
)
def test_rfc9112_3_invalid_request_line(line: bytes) -> None:
    with pytest.raises(InvalidMessage, match="RFC 9112 section 3: invalid request line"):
        parse_request(line + b"\r\n\r\n")


@pytest.mark.parametrize("line", [b"hello", b"GET /", b"SSH-2.0-OpenSSH", b""])
def test_rfc9112_2_3_first_line_without_http_is_refused_at_once(line: bytes) -> None:
    assert find_head_end(line) is None
    with pytest.raises(InvalidMessage, match=r"RFC 9112 section 2\.3"):
        find_head_end(line + b"\r\n")


@pytest.mark.parametrize(
    "line",
    [b"no colon", b": no name", b"A : b", b" A: b", b"\tA: b", b"A\xe9: b", b"(A): b"],
)
def test_rfc9112_5_invalid_header_line(line: bytes) -> None:
    with pytest.raises(InvalidMessage, match="RFC 9112 section 5: invalid header line"):
        parse_request(b"GET / HTTP/1.1\r\nHost: a\r\n" + line + b"\r\n\r\n")


def test_rfc9112_5_2_folded_line_is_refused() -> None:
    with pytest.raises(InvalidMessage, match="RFC 9112 section 5: invalid header line: ' b'"):
        parse_request(b"GET / HTTP/1.1\r\nA: a\r\n b\r\n\r\n")


@pytest.mark.parametrize("byte", [*range(9), 11, 12, *range(14, 32), 127])
def test_rfc9112_2_2_control_character_is_refused_at_once(byte: int) -> None:
    with pytest.raises(InvalidMessage, match=f"RFC 9112 section 2.2: byte {byte:#04x}"):
        find_head_end(b"GET / HTTP/1.1\r\nA: " + bytes([byte]))


@pytest.mark.parametrize("data", [b"GET /\n", b"\n", b"GET / HTTP/1.1\r\nA: b\rc", b"\r\r\n", b"GET /\rH"])
def test_rfc9112_2_2_half_a_line_end_is_refused_at_once(data: bytes) -> None:
    with pytest.raises(InvalidMessage, match=r"RFC 9112 section 2.2: byte 0x0[ad]"):
        find_head_end(data)


def test_rfc9112_2_2_half_a_line_end_is_found_between_two_calls() -> None:
    assert find_head_end(b"GET / HTTP/1.1\r") is None
    with pytest.raises(InvalidMessage):
        find_head_end(b"GET / HTTP/1.1\rx", 15)


def test_rfc9112_2_1_head_is_found_in_front_of_other_bytes() -> None:
    assert find_head_end(HEAD + b"\x00\x01\r\r\n") == len(HEAD)
    assert find_head_end(bytearray(HEAD)) == len(HEAD)


def test_rfc9112_2_1_head_without_its_empty_line() -> None:
    for head in (HEAD[:-2], HEAD + b"x"):
        with pytest.raises(InvalidMessage, match=r"RFC 9112 section 2\.1"):
            parse_request(head)


@given(st.lists(st.integers(0, len(HEAD)), max_size=10))
def test_head_is_found_in_any_pieces(cuts: list[int]) -> None:
    searched = 0
    for cut in sorted(cuts):
        if cut == len(HEAD):
            break
        assert find_head_end(HEAD[:cut], searched) is None
        searched = cut
    assert find_head_end(HEAD, searched) == len(HEAD)


def test_head_over_the_limit() -> None:
    line = b"A: " + b"b" * 997 + b"\r\n"
    head = b"GET / HTTP/1.1\r\n" + line * 65
    padding = MAX_HEAD_SIZE - len(head) - len(b"C: \r\n\r\n")
    fits = head + b"C: " + b"d" * padding + b"\r\n\r\n"
    assert len(fits) == MAX_HEAD_SIZE
    assert parse_request(fits).headers["C"] == "d" * padding
    for too_large in (b"A" * (MAX_HEAD_SIZE + 1), fits[:-4] + b"x\r\n\r\n"):
        with pytest.raises(SecurityError, match="head over 65536 bytes"):
            find_head_end(too_large)
    assert find_head_end(fits + b"x" * 100) == MAX_HEAD_SIZE


def test_line_over_the_limit() -> None:
    path = b"/" + b"a" * (MAX_LINE_SIZE - len(b"GET / HTTP/1.1"))
    assert len(parse_request(b"GET %s HTTP/1.1\r\n\r\n" % path).path) == len(path)
    with pytest.raises(RequestLineTooLong, match="first line over 8192 bytes"):
        parse_request(b"GET %sa HTTP/1.1\r\n\r\n" % path)
    with pytest.raises(StatusLineTooLong):
        parse_response(b"HTTP/1.1 200 %saa\r\n\r\n" % path)
    value = b"v" * (MAX_LINE_SIZE - len(b"A: "))
    assert parse_request(b"GET / HTTP/1.1\r\nA: %s\r\n\r\n" % value).headers["A"] == value.decode()
    with pytest.raises(HeaderLineTooLong, match="header line over 8192 bytes"):
        parse_request(b"GET / HTTP/1.1\r\nA: v%s\r\n\r\n" % value)


def test_too_many_headers() -> None:
    headers = b"A: b\r\n" * MAX_HEADERS
    assert len(parse_request(b"GET / HTTP/1.1\r\n" + headers + b"\r\n").headers.get_all("A")) == 128
    with pytest.raises(TooManyHeaders, match="more than 128 headers"):
        parse_request(b"GET / HTTP/1.1\r\n" + headers + b"C: d\r\n\r\n")


@given(st.binary(max_size=60))
def test_nothing_else_is_ever_raised(junk: bytes) -> None:
    for data in (junk, b"GET / HTTP/1.1\r\n" + junk + b"\r\n\r\n", HEAD[:20] + junk):
        for parse in (find_head_end, parse_request, parse_response):
            try:
                parse(data)
            except (InvalidMessage, SecurityError):
                continue


@given(st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", b"\0"]), max_size=8))
def test_rfc9112_2_2_half_a_line_end_is_found_anywhere(parts: list[bytes]) -> None:
    data = b"HTTP/" + b"".join(parts)
    bare = data.replace(b"\r\n", b"")
    bad = b"\n" in bare or b"\0" in bare or b"\r" in bare.removesuffix(b"\r")
    bad = bad or (b"\r" in bare and not data.endswith(b"\r"))
    try:
        find_head_end(data)
    except InvalidMessage:
        assert bad
    else:
        assert not bad or b"\r\n\r\n" in data


def test_a_line_break_in_a_reason_phrase_begins_no_header() -> None:
    """RFC 9112 section 4."""
    response = Response(400, "no\r\nSet-Cookie: a=b", Headers([("Connection", "close")]))
    assert response.serialize() == b"HTTP/1.1 400 no  Set-Cookie: a=b\r\nConnection: close\r\n\r\n"
