"""HTTP headers and their grammar (RFC 9110 section 5; RFC 6455 sections 4 and 9.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.exceptions import InvalidHeaderFormat, InvalidHeaderValue
from openline.protocol.headers import (
    Headers,
    MultipleValuesError,
    build_authorization_basic,
    build_extensions,
    build_host,
    build_subprotocols,
    build_www_authenticate_basic,
    is_host,
    is_token,
    parse_authorization_basic,
    parse_extensions,
    parse_products,
    parse_tokens,
)

TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.fixture
def headers() -> Headers:
    return Headers([("Host", "a"), ("X-Twice", "1"), ("x-twice", "2")])


def test_a_value_is_found_in_any_case(headers: Headers) -> None:
    assert headers["HOST"] == headers["host"] == "a"
    assert "hOsT" in headers
    assert 1 not in headers
    assert headers.get("other") is None
    with pytest.raises(KeyError):
        headers["other"]


def test_several_values_are_not_taken_for_one(headers: Headers) -> None:
    with pytest.raises(MultipleValuesError, match="'X-Twice' has several values"):
        headers["X-Twice"]
    with pytest.raises(MultipleValuesError):
        headers.get("x-twice")
    assert str(MultipleValuesError()) == ""


def test_all_values_in_their_order(headers: Headers) -> None:
    assert headers.get_all("X-TWICE") == ["1", "2"]
    assert headers.get_all("other") == []
    assert list(headers.raw_items()) == [("Host", "a"), ("X-Twice", "1"), ("x-twice", "2")]
    assert (list(headers), len(headers)) == (["host", "x-twice"], 2)


def test_what_get_all_returns_is_a_copy(headers: Headers) -> None:
    headers.get_all("host").append("b")
    assert headers["host"] == "a"


def test_setting_adds(headers: Headers) -> None:
    headers["Host"] = "b"
    assert headers.get_all("host") == ["a", "b"]
    assert headers.setdefault("Other", "c") == "c"


def test_deleting_removes_all(headers: Headers) -> None:
    del headers["x-TWICE"]
    assert list(headers.raw_items()) == [("Host", "a")]
    with pytest.raises(KeyError):
        del headers["x-twice"]
    headers.clear()
    assert (list(headers.raw_items()), dict(headers)) == ([], {})


def test_a_copy_changes_by_itself(headers: Headers) -> None:
    copy = headers.copy()
    assert copy == headers
    copy["X-Twice"] = "3"
    assert copy != headers
    assert headers.get_all("x-twice") == ["1", "2"]
    assert headers != {"host": "a"}


def test_made_from_mappings_pairs_headers_and_names(headers: Headers) -> None:
    assert list(Headers({"A": "1"}, b="2").raw_items()) == [("A", "1"), ("b", "2")]
    assert list(Headers(headers).raw_items()) == list(headers.raw_items())


def test_written_as_they_were(headers: Headers) -> None:
    headers["X-Latin"] = "é"
    assert headers.serialize() == b"Host: a\r\nX-Twice: 1\r\nx-twice: 2\r\nX-Latin: \xe9\r\n\r\n"
    assert repr(Headers({"A": "1"})) == "Headers([('A', '1')])"


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\0", "\x7f", "€"])
def test_rfc9110_5_5_value_that_breaks_out_is_refused(value: str) -> None:
    with pytest.raises(InvalidHeaderValue):
        Headers({"Name": value})


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\n", "é"])
def test_rfc9110_5_1_name_that_is_no_token_is_refused(name: str) -> None:
    with pytest.raises(InvalidHeaderValue):
        Headers({name: "value"})


def test_rfc9110_5_6_2_token() -> None:
    assert {chr(i) for i in range(0x180) if is_token(chr(i))} == set(TOKEN_CHARACTERS)
    assert not is_token("")


@pytest.mark.parametrize("host", ["a", "a.b:80", "127.0.0.1:9", "[::1]", "[::1]:80", "a:", "a_b-c%41"])
def test_rfc9110_7_2_host(host: str) -> None:
    assert is_host(host)


@pytest.mark.parametrize("host", ["", ":80", "a b", "a/b", "a@b", "a:b", "[::1", "::1", "a,b:1:2", "é"])
def test_rfc9110_7_2_not_a_host(host: str) -> None:
    assert not is_host(host)


@pytest.mark.parametrize(
    ("host", "port", "secure", "always", "text"),
    [
        ("a", 80, False, False, "a"),
        ("a", 80, False, True, "a:80"),
        ("a", 80, True, False, "a:80"),
        ("a", 443, True, False, "a"),
        ("a", 443, False, False, "a:443"),
        ("::1", 80, False, False, "[::1]"),
        ("fe80::1%eth0", 81, False, False, "[fe80::1]:81"),
    ],
)
def test_4_1_host_is_written(host: str, port: int, secure: bool, always: bool, text: str) -> None:
    assert build_host(host, port, secure, always_include_port=always) == text


@pytest.mark.parametrize(
    ("values", "tokens"),
    [
        ([], []),
        (["a"], ["a"]),
        (["keep-alive, Upgrade"], ["keep-alive", "Upgrade"]),
        (["a,b", "c"], ["a", "b", "c"]),
        ([" ,a ,\t, b ,"], ["a", "b"]),
        ([""], []),
        ([" , "], []),
    ],
)
def test_rfc9110_5_6_1_list(values: list[str], tokens: list[str]) -> None:
    assert parse_tokens("Connection", values) == tokens


@pytest.mark.parametrize("value", ["a b", "a;b", "a, b/c", '"a"', "a,\x00"])
def test_rfc9110_5_6_1_not_a_list_of_tokens(value: str) -> None:
    with pytest.raises(InvalidHeaderFormat, match="invalid Connection header: unexpected text at "):
        parse_tokens("Connection", [value])


def test_an_error_tells_the_position() -> None:
    with pytest.raises(InvalidHeaderFormat, match="at 2 in a,b c"):
        parse_tokens("Connection", ["a,b c"])


def test_rfc9110_7_8_products() -> None:
    assert parse_products("Upgrade", ["HTTP/2.0, websocket"]) == ["HTTP/2.0", "websocket"]
    for value in ("a/b/c", "/a", "a/", "a b"):
        with pytest.raises(InvalidHeaderFormat):
            parse_products("Upgrade", [value])


@pytest.mark.parametrize(
    ("values", "extensions"),
    [
        ([], []),
        (["foo"], [("foo", [])]),
        (["foo, bar; baz=2"], [("foo", []), ("bar", [("baz", "2")])]),  # the example of section 9.1
        (["foo", "bar; baz=2"], [("foo", []), ("bar", [("baz", "2")])]),
        (["a ; b ; c = d , e"], [("a", [("b", None), ("c", "d")]), ("e", [])]),
        (['a; b="c"; d="\\e\\f"'], [("a", [("b", "c"), ("d", "ef")])]),
        ([",a,,"], [("a", [])]),
    ],
)
def test_9_1_extensions(values: list[str], extensions: object) -> None:
    assert parse_extensions(values) == extensions


@pytest.mark.parametrize(
    "value",
    [
        "",
        ",",
        "a b",
        "a;",
        ";a",
        "a;b=",
        "a;=b",
        "a;b=c d",
        'a;b=""',
        'a;b="c',
        'a;b="c d"',
        'a;b="c,d"',
        'a;b="c;d"',
        'a;b="c\\;d"',
        'a;b="c\\"d"',
        'a;b="c"d',
    ],
)
def test_9_1_not_extensions(value: str) -> None:
    with pytest.raises(InvalidHeaderFormat, match="Sec-WebSocket-Extensions"):
        parse_extensions(["fine", value])


tokens = st.text(TOKEN_CHARACTERS, min_size=1, max_size=8)


@given(st.lists(st.tuples(tokens, st.lists(st.tuples(tokens, st.none() | tokens), max_size=4)), min_size=1))
def test_9_1_what_is_written_is_read(extensions: list[tuple[str, list[tuple[str, str | None]]]]) -> None:
    assert parse_extensions([build_extensions(extensions)]) == extensions


@pytest.mark.timeout(10)
def test_9_1_hostile_values_cost_no_more_than_their_length() -> None:
    for value in ("a" + " " * 8000 + "b", "a" + " ;" * 4000, "a;b" + " =" * 4000, 'a;b="' + "\\c" * 4000):
        with pytest.raises(InvalidHeaderFormat):
            parse_extensions([value])


def test_4_1_subprotocols_are_written() -> None:
    assert build_subprotocols(["chat", "superchat"]) == "chat, superchat"


@pytest.mark.parametrize("subprotocols", [["a b"], [""], ["é"]])
def test_4_1_subprotocols_must_be_tokens(subprotocols: list[str]) -> None:
    with pytest.raises(ValueError, match=r"section 4\.1: subprotocol '.*' is not a token"):
        build_subprotocols(subprotocols)


def test_4_1_subprotocols_must_be_unique() -> None:
    with pytest.raises(ValueError, match=r"section 4\.1: a subprotocol is named twice"):
        build_subprotocols(["a", "b", "a"])


def test_subprotocols_are_not_the_letters_of_a_string() -> None:
    with pytest.raises(TypeError):
        build_subprotocols("chat")


@given(st.text().filter(lambda name: ":" not in name), st.text())
def test_rfc7617_2_credentials_that_are_written_are_read(username: str, password: str) -> None:
    assert parse_authorization_basic(build_authorization_basic(username, password)) == (username, password)


def test_rfc7617_2_example() -> None:
    assert build_authorization_basic("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert parse_authorization_basic("bAsIc QWxhZGRpbjpvcGVuIHNlc2FtZQ==") == ("Aladdin", "open sesame")


def test_rfc7617_2_user_name_without_a_colon() -> None:
    with pytest.raises(ValueError, match="user name with a colon"):
        build_authorization_basic("a:b", "c")


@pytest.mark.parametrize("header", ["", "Basic", "Basic ", "Bearer abc", "Basic a b", "Basic a=b"])
def test_rfc7617_2_not_basic_credentials(header: str) -> None:
    with pytest.raises(InvalidHeaderFormat):
        parse_authorization_basic(header)


@pytest.mark.parametrize("header", ["Basic YQ==", "Basic a", "Basic /////w==", "Basic YTpi-_"])
def test_rfc7617_2_credentials_that_are_none(header: str) -> None:
    with pytest.raises(InvalidHeaderValue):
        parse_authorization_basic(header)


def test_rfc7617_2_realm_is_quoted() -> None:
    assert build_www_authenticate_basic('a"b\\') == 'Basic realm="a\\"b\\\\", charset="UTF-8"'
