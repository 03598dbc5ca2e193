"""The opening handshake, both sides (RFC 6455 section 4)."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

import pytest

from openline.exceptions import (
    InvalidHandshake,
    InvalidHeader,
    InvalidHeaderFormat,
    InvalidHeaderValue,
    InvalidMessage,
    InvalidMethod,
    InvalidOrigin,
    InvalidProtocol,
    InvalidStatus,
    InvalidUpgrade,
    NegotiationError,
    SecurityError,
    TooManyHeaders,
)
from openline.protocol.extensions.base import (
    ClientExtensionFactory,
    Extension,
    ServerExtensionFactory,
)
from openline.protocol.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from openline.protocol.frames import RSV1, RSV2
from openline.protocol.handshake import (
    accept_key,
    accept_request,
    check_response,
    client_request,
    generate_key,
    is_upgrade,
    refuse,
)
from openline.protocol.headers import ExtensionParameter, Headers
from openline.protocol.http11 import Request, Response
from openline.protocol.uri import parse_uri

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the example of section 1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def request(**changes: str | list[str] | None) -> Request:
    """The request of section 1.2; a change gives a header one value, several, or (None) removes it."""
    values: dict[str, str | list[str] | None] = {
        "Host": "server.example.com",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return Request("/chat", headers_of(values))


def response(**changes: str | list[str] | None) -> Response:
    """The response of section 1.2, with changes."""
    values: dict[str, str | list[str] | None] = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": ACCEPT,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return Response(101, "Switching Protocols", headers_of(values))


def headers_of(values: dict[str, str | list[str] | None]) -> Headers:
    headers = Headers()
    for name, value in values.items():
        for one in [value] if isinstance(value, str) else value or []:
            headers[name] = one
    return headers


class Rot(Extension):
    """An extension that owns RSV2."""

    name = "x-rot"
    rsv = RSV2


class RotFactory(ClientExtensionFactory, ServerExtensionFactory):
    """Agrees to one number and nothing else; each of its extensions owns ``rsv``."""

    name = "x-rot"

    def __init__(self, by: str, rsv: int = RSV2) -> None:
        self.by = by
        self.rsv = rsv

    def get_request_params(self) -> list[ExtensionParameter]:
        return [("by", self.by)]

    def process_response_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> Extension:
        if list(params) != [("by", self.by)]:
            raise NegotiationError(f"not by {self.by}")
        extension = Rot()
        extension.rsv = self.rsv
        return extension

    def process_request_params(
        self, params: Sequence[ExtensionParameter], accepted_extensions: Sequence[Extension]
    ) -> tuple[list[ExtensionParameter], Extension]:
        return list(params), self.process_response_params(params, accepted_extensions)


# ------------------------------------------------------------------------------------------------ server


def test_1_3_accept_key() -> None:
    assert accept_key(KEY) == ACCEPT


def test_4_2_2_response() -> None:
    accepted = accept_request(request())
    assert accepted.response.serialize() == (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )
    assert (accepted.extensions, accepted.subprotocol) == ((), None)


@pytest.mark.parametrize("method", ["POST", "HEAD", "get", "CONNECT"])
def test_4_2_1_method_must_be_get(method: str) -> None:
    wrong = request()
    wrong.method = method
    with pytest.raises(InvalidMethod, match=method):
        accept_request(wrong)


@pytest.mark.parametrize("protocol", ["HTTP/1.0", "HTTP/0.9", "HTTP/2.0"])
def test_4_2_1_http_must_be_1_1(protocol: str) -> None:
    wrong = request()
    wrong.protocol = protocol
    with pytest.raises(InvalidProtocol, match=re.escape(protocol)):
        accept_request(wrong)


def test_4_2_1_http_may_be_higher_than_1_1() -> None:
    higher = request()
    higher.protocol = "HTTP/1.2"
    accept_request(higher)


@pytest.mark.parametrize(
    "path", ["/", "//", "/a?b#", "*", "a", "server:80", "http:/x", "ftp://server/x", "/#a"]
)
def test_4_2_1_request_target(path: str) -> None:
    asked = request()
    asked.path = path
    if path in ("/", "//"):
        accept_request(asked)
    else:
        with pytest.raises(InvalidMessage, match=r"section 4\.2\.1: invalid request target"):
            accept_request(asked)


@pytest.mark.parametrize("path", ["http://server.example.com/chat", "HTTPS://server/", "ws://server/"])
def test_4_2_1_request_target_may_be_an_absolute_uri(path: str) -> None:
    absolute = request()
    absolute.path = path
    accept_request(absolute)


@pytest.mark.parametrize("host", [None, "", ["a", "b"], ["a", "a"], "a b", "a/b", "a@b", "http://a", "a:b"])
def test_4_2_1_host_exactly_once(host: str | list[str] | None) -> None:
    with pytest.raises(InvalidHeader) as caught:
        accept_request(request(Host=host))
    assert caught.value.name == "Host"


@pytest.mark.parametrize("upgrade", ["WebSocket", "WEBSOCKET", "h2c, websocket", ["h2c", "websocket"]])
def test_4_2_1_upgrade_lists_websocket(upgrade: str | list[str]) -> None:
    accept_request(request(Upgrade=upgrade))


@pytest.mark.parametrize("upgrade", [None, "", "h2c", "websocket/13", "websockets"])
def test_4_2_1_upgrade_without_websocket(upgrade: str | None) -> None:
    with pytest.raises(InvalidUpgrade) as caught:
        accept_request(request(Upgrade=upgrade))
    assert caught.value.name == "Upgrade"


@pytest.mark.parametrize(
    "connection", ["upgrade", "keep-alive, Upgrade", ["keep-alive", "UPGRADE"], ", upgrade,"]
)
def test_4_2_1_connection_lists_upgrade(connection: str | list[str]) -> None:
    accept_request(request(Connection=connection))


@pytest.mark.parametrize("connection", [None, "", "keep-alive", "upgraded"])
def test_4_2_1_connection_without_upgrade(connection: str | None) -> None:
    with pytest.raises(InvalidUpgrade) as caught:
        accept_request(request(Connection=connection))
    assert caught.value.name == "Connection"


@pytest.mark.parametrize("name", ["Upgrade", "Connection"])
def test_4_2_1_list_that_is_none(name: str) -> None:
    with pytest.raises(InvalidHeaderFormat):
        accept_request(request(**{name: "a b"}))


@pytest.mark.parametrize(
    "key",
    [
        None,
        "",
        [KEY, KEY],
        KEY[:-1],
        KEY + "=",
        KEY + " x",
        base64.b64encode(bytes(15)).decode(),
        base64.b64encode(bytes(17)).decode(),
        "dGhlIHNhbXBsZSBub25jZQ=é",
        "dGhlIHNhbXBsZSBub25j_-==",
    ],
)
def test_4_2_1_key_is_sixteen_bytes_in_base64_exactly_once(key: str | list[str] | None) -> None:
    with pytest.raises(InvalidHeader) as caught:
        accept_request(request(Sec_WebSocket_Key=key))
    assert caught.value.name == "Sec-WebSocket-Key"
    assert refuse(caught.value).status_code == 400


@pytest.mark.parametrize(
    ("version", "status"),
    [("12", 426), ("8", 426), ("013", 426), ("", 426), ("13, 8", 426), (None, 400), (["13", "13"], 400)],
)
def test_4_2_1_version_is_13_exactly_once(version: str | list[str] | None, status: int) -> None:
    with pytest.raises(InvalidHeader) as caught:
        accept_request(request(Sec_WebSocket_Version=version))
    assert caught.value.name == "Sec-WebSocket-Version"
    assert refuse(caught.value).status_code == status


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-Length", "5"),
        ("Content-Length", ["0", "1"]),
        ("Content-Length", ""),
        ("Transfer-Encoding", "chunked"),
    ],
)
def test_rfc9112_6_body_is_refused(name: str, value: str | list[str]) -> None:
    with pytest.raises(InvalidHeader, match="no body allowed") as caught:
        accept_request(request(**{name: value}))
    assert refuse(caught.value).status_code == 400


def test_rfc9112_6_body_without_bytes_is_none() -> None:
    accept_request(request(Content_Length="0"))


LOCAL = re.compile(r"https?://localhost(:\d+)?")


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        (None, None, True),
        (None, "http://evil", True),
        (["http://a"], "http://a", True),
        (["http://a"], "http://b", False),
        (["http://a"], "HTTP://A", False),
        (["http://a"], None, False),
        (["http://a", None], None, True),
        ([None], "http://a", False),
        ([LOCAL], "http://localhost:80", True),
        ([LOCAL], "http://localhost.evil", False),
        ([LOCAL], None, False),
        ([LOCAL, "http://a"], "http://a", True),
        ([], None, False),
    ],
)
def test_10_2_origin(
    origins: list[str | re.Pattern[str] | None] | None, origin: str | None, allowed: bool
) -> None:
    if allowed:
        accept_request(request(Origin=origin), origins=origins)
        return
    with pytest.raises(InvalidOrigin) as caught:
        accept_request(request(Origin=origin), origins=origins)
    assert caught.value.value == origin
    assert refuse(caught.value).status_code == 403


def test_rfc6454_7_3_origin_at_most_once() -> None:
    with pytest.raises(InvalidHeader, match="multiple values"):
        accept_request(request(Origin=["http://a", "http://a"]))


@pytest.mark.parametrize(
    ("offered", "known", "chosen"),
    [
        ("a, b", ["b", "a"], "b"),
        (["a", "b"], ["c", "b"], "b"),
        ("a", None, None),
        ("a", [], None),
        (None, None, None),
        ("", None, None),
    ],
)
def test_4_2_2_subprotocol(
    offered: str | list[str] | None, known: list[str] | None, chosen: str | None
) -> None:
    accepted = accept_request(request(Sec_WebSocket_Protocol=offered), subprotocols=known)
    assert accepted.subprotocol == chosen
    assert accepted.response.headers.get("Sec-WebSocket-Protocol") == chosen


@pytest.mark.parametrize("offered", [None, "", "b", "A"])
def test_4_2_2_no_common_subprotocol(offered: str | None) -> None:
    with pytest.raises(NegotiationError, match=r"section 4\.2\.2: .* expected one of a") as caught:
        accept_request(request(Sec_WebSocket_Protocol=offered), subprotocols=["a"])
    assert refuse(caught.value).status_code == 400


def test_4_2_2_subprotocols_must_be_tokens() -> None:
    with pytest.raises(InvalidHeaderFormat):
        accept_request(request(Sec_WebSocket_Protocol="a b"))


@pytest.mark.parametrize("offered", ["a, a", ["a", "b, a"]])
def test_4_1_subprotocols_must_be_unique(offered: str | list[str]) -> None:
    with pytest.raises(InvalidHeaderValue) as caught:
        accept_request(request(Sec_WebSocket_Protocol=offered), subprotocols=["a"])
    assert refuse(caught.value).status_code == 400


def test_4_2_2_subprotocol_is_selected_by_the_program() -> None:
    offers: list[Sequence[str]] = []

    def select(offered: Sequence[str]) -> str | None:
        offers.append(offered)
        return offered[-1] if offered else None

    for value, chosen in (("a, b", "b"), (None, None)):
        accepted = accept_request(request(Sec_WebSocket_Protocol=value), select_subprotocol=select)
        assert accepted.subprotocol == chosen
    assert offers == [["a", "b"], []]


def test_4_2_2_subprotocol_that_was_not_offered_is_not_selected() -> None:
    with pytest.raises(ValueError, match=r"section 4\.2\.2: subprotocol 'c' was not offered"):
        accept_request(request(Sec_WebSocket_Protocol="a"), select_subprotocol=lambda _: "c")


def test_9_1_offers_are_declined_until_one_fits() -> None:
    offers = (
        "unknown, x-rot; by=1, x-rot; by=2, permessage-deflate; server_max_window_bits=8, permessage-deflate"
    )
    accepted = accept_request(
        request(Sec_WebSocket_Extensions=[offers, "x-rot; by=2"]),
        extensions=[ServerPerMessageDeflateFactory(), RotFactory("3"), RotFactory("2")],
    )
    # The second offer of the same extension needs a reserved bit that the first one took.
    assert [extension.name for extension in accepted.extensions] == ["x-rot", "permessage-deflate"]
    assert accepted.response.headers["Sec-WebSocket-Extensions"] == "x-rot; by=2, permessage-deflate"


def test_9_1_offers_without_factories_are_declined() -> None:
    accepted = accept_request(request(Sec_WebSocket_Extensions="permessage-deflate"))
    assert accepted.extensions == ()
    assert "Sec-WebSocket-Extensions" not in accepted.response.headers


def test_9_1_extensions_of_one_reserved_bit_exclude_each_other() -> None:
    accepted = accept_request(
        request(Sec_WebSocket_Extensions="x-rot; by=1, permessage-deflate"),
        extensions=[RotFactory("1", rsv=RSV1), ServerPerMessageDeflateFactory()],
    )
    assert [extension.name for extension in accepted.extensions] == ["x-rot"]


def test_9_1_offers_that_break_the_grammar() -> None:
    with pytest.raises(InvalidHeaderFormat) as caught:
        accept_request(request(Sec_WebSocket_Extensions="a;;b"))
    assert refuse(caught.value).status_code == 400


@pytest.mark.parametrize(
    ("asked", "yes"),
    [
        (request(), True),
        (request(Sec_WebSocket_Key=None), True),
        (request(Upgrade=None), False),
        (request(Connection="close"), False),
        (request(Upgrade="a b"), False),
    ],
)
def test_plain_http_is_told_apart(asked: Request, yes: bool) -> None:
    assert is_upgrade(asked) is yes


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (InvalidMethod("PUT"), 405, {"Allow": "GET"}),
        (InvalidUpgrade("Upgrade", "h2c"), 426, {"Upgrade": "websocket", "Connection": "close, Upgrade"}),
        (InvalidProtocol("HTTP/1.0"), 505, {}),
        (
            InvalidHeaderValue("Sec-WebSocket-Version", "8"),
            426,
            {"Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Connection": "close, Upgrade"},
        ),
        (InvalidOrigin("x"), 403, {}),
        (TooManyHeaders("x"), 431, {}),
        (SecurityError("x"), 431, {}),
        (InvalidHeader("Host"), 400, {}),
        (InvalidHeaderValue("Sec-WebSocket-Key", "x"), 400, {}),
        (InvalidMessage("x"), 400, {}),
        (NegotiationError("x"), 400, {}),
    ],
)
def test_4_2_2_refusal(error: InvalidHandshake, status: int, headers: dict[str, str]) -> None:
    refusal = refuse(error)
    assert refusal.status_code == status
    assert dict(refusal.headers) == {
        "connection": "close",
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(refusal.body)),
        **{name.lower(): value for name, value in headers.items()},
    }
    assert str(error) in refusal.body.decode()


# ------------------------------------------------------------------------------------------------ client


def test_4_1_request() -> None:
    made = client_request(parse_uri("ws://server.example.com/chat"), key=KEY)
    assert made.serialize() == (
        b"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )


def test_4_1_request_with_everything() -> None:
    made = client_request(
        parse_uri("wss://user:pass@[::1]:444/?q"),
        origin="http://a",
        extensions=[RotFactory("1"), ClientPerMessageDeflateFactory()],
        subprotocols=["a", "b"],
    )
    assert made.path == "/?q"
    expected = {
        "host": "[::1]:444",
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-version": "13",
        "origin": "http://a",
        "sec-websocket-extensions": "x-rot; by=1, permessage-deflate; client_max_window_bits",
        "sec-websocket-protocol": "a, b",
        "authorization": "Basic dXNlcjpwYXNz",
    }
    key = made.headers["Sec-WebSocket-Key"]
    assert {**made.headers} == {**expected, "sec-websocket-key": key}
    assert accept_request(made).response.headers["Sec-WebSocket-Accept"] == accept_key(key)


def test_4_1_empty_lists_make_no_headers() -> None:
    made = client_request(parse_uri("ws://a"), extensions=[], subprotocols=[])
    assert not {"Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"} & set(made.headers)


def test_4_1_a_key_is_sixteen_random_bytes() -> None:
    keys = {generate_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(base64.b64decode(key, validate=True)) for key in keys} == {16}


def test_4_1_answer_is_accepted() -> None:
    answer = response(Upgrade="WebSocket", Connection="keep-alive, upgrade")
    accepted = check_response(request(), answer)
    assert (accepted.response, accepted.extensions, accepted.subprotocol) == (answer, (), None)


@pytest.mark.parametrize("status", [100, 200, 301, 403, 426, 503])
def test_4_1_status_must_be_101(status: int) -> None:
    answer = response()
    answer.status_code = status
    with pytest.raises(InvalidStatus) as caught:
        check_response(request(), answer)
    assert caught.value.response is answer


@pytest.mark.parametrize(
    "changes",
    [
        {"Upgrade": None},
        {"Upgrade": "h2c"},
        {"Upgrade": "websocket, h2c"},
        {"Upgrade": ["websocket", "websocket"]},
        {"Connection": None},
        {"Connection": "close"},
    ],
)
def test_4_1_answer_must_grant_the_upgrade(changes: dict[str, str | list[str] | None]) -> None:
    with pytest.raises(InvalidUpgrade):
        check_response(request(), response(**changes))


@pytest.mark.parametrize("accept", [None, "", ACCEPT.lower(), ACCEPT + "=", [ACCEPT, ACCEPT]])
def test_4_1_accept_must_answer_the_key(accept: str | list[str] | None) -> None:
    with pytest.raises(InvalidHeader) as caught:
        check_response(request(), response(Sec_WebSocket_Accept=accept))
    assert caught.value.name == "Sec-WebSocket-Accept"


@pytest.mark.parametrize("offered", [None, [], [RotFactory("1")]])
def test_4_1_extension_that_was_not_offered(offered: list[RotFactory] | None) -> None:
    with pytest.raises(
        NegotiationError, match=r"section 4\.1: server uses an extension not offered: permess"
    ):
        check_response(request(), response(Sec_WebSocket_Extensions="permessage-deflate"), extensions=offered)


def test_4_1_extension_with_parameters_that_were_not_offered() -> None:
    with pytest.raises(NegotiationError, match="not by 1"):
        check_response(
            request(), response(Sec_WebSocket_Extensions="x-rot; by=2"), extensions=[RotFactory("1")]
        )


def test_4_1_extensions_in_the_order_of_the_server() -> None:
    accepted = check_response(
        request(),
        response(Sec_WebSocket_Extensions=["permessage-deflate", "x-rot; by=2"]),
        extensions=[RotFactory("1"), RotFactory("2"), ClientPerMessageDeflateFactory()],
    )
    assert [type(extension) for extension in accepted.extensions] == [PerMessageDeflate, Rot]


def test_9_1_server_uses_a_reserved_bit_twice() -> None:
    with pytest.raises(NegotiationError, match=r"section 9\.1: x-rot needs a reserved bit that is taken"):
        check_response(
            request(),
            response(Sec_WebSocket_Extensions="x-rot; by=1, x-rot; by=1"),
            extensions=[RotFactory("1")],
        )


@pytest.mark.parametrize(("value", "chosen"), [(None, None), ("", None), ("b", "b")])
def test_4_1_subprotocol(value: str | None, chosen: str | None) -> None:
    accepted = check_response(request(), response(Sec_WebSocket_Protocol=value), subprotocols=["a", "b"])
    assert accepted.subprotocol == chosen


@pytest.mark.parametrize("offered", [None, ["b"]])
def test_4_1_subprotocol_that_was_not_offered(offered: list[str] | None) -> None:
    with pytest.raises(NegotiationError, match=r"section 4\.1: server uses a subprotocol not offered: a"):
        check_response(request(), response(Sec_WebSocket_Protocol="a"), subprotocols=offered)


@pytest.mark.parametrize("value", ["a, b", ["a", "b"], ["a", "a"]])
def test_4_1_one_subprotocol_at_most(value: str | list[str]) -> None:
    with pytest.raises(InvalidHeader, match="multiple values"):
        check_response(request(), response(Sec_WebSocket_Protocol=value), subprotocols=["a", "b"])
