"""RFC 7692 sections 5 and 7.1: negotiating permessage-deflate, from both sides."""

from __future__ import annotations

import asyncio
import itertools
import re
import zlib
from typing import Any

import pytest

from . import subject
from .lines import header_values, upgrade_response
from .peer import RSV1, TEXT, End, Frame, Peer
from .test_client_handshake import converse, dialled, opening
from .test_server_handshake import request, served

pytestmark = pytest.mark.engine

NAME = "permessage-deflate"
TAIL = b"\0\0\xff\xff"
# Long enough to be compressed, and to show a window that is larger than was agreed: it repeats at 300 and 20,000 bytes.
UNIT = bytes(at * at % 251 for at in range(300))
LONG = (UNIT * 2 + zlib.compress(bytes(range(256)) * 40 + UNIT) * 60)[:20_000] * 2

Parameters = dict[str, str | None]


def parse(header: str) -> list[tuple[str, Parameters]]:
    """Parse an extension list as this suite writes and expects them; parameters must not repeat (section 7.1)."""
    extensions = []
    for extension in header.split(","):
        name, *fields = (field.strip() for field in extension.split(";"))
        parameters: Parameters = {}
        for field in fields:
            key, equals, value = field.partition("=")
            assert key not in parameters, f"section 7.1: {key} twice in {header!r}"
            parameters[key] = value.strip('"') if equals else None
        extensions.append((name, parameters))
    return extensions


def check_response(offer: Parameters, answer: Parameters) -> None:
    """Hold a response against section 7.1, for the offer that it accepts."""
    for key, value in answer.items():
        if key.endswith("no_context_takeover"):
            assert value is None, f"section 7.1.1: {key} has a value"
        else:
            assert key in ("server_max_window_bits", "client_max_window_bits"), (
                f"section 7.1: {key} is not defined"
            )
            assert value is not None, f"section 7.1.2: {key} has no value in a response"
            assert re.fullmatch(r"8|9|1[0-5]", value), f"section 7.1.2: {key}={value}"
    if "server_no_context_takeover" in offer:
        assert "server_no_context_takeover" in answer, "section 7.1.1.1"
    if "server_max_window_bits" in offer:
        assert "server_max_window_bits" in answer, "section 7.1.2.1"
        assert int(answer["server_max_window_bits"] or 0) <= int(offer["server_max_window_bits"] or 0)
    if "client_max_window_bits" in answer:
        assert "client_max_window_bits" in offer, "section 7.1.2.2"


class Codec:
    """The peer's compressor and its strict inflator: neither keeps more of a window than was agreed."""

    def __init__(self, parameters: Parameters, *, peer_is_client: bool) -> None:
        ours, theirs = ("client", "server") if peer_is_client else ("server", "client")
        self._out_bits = int(parameters.get(f"{ours}_max_window_bits") or 15)
        self._in_bits = int(parameters.get(f"{theirs}_max_window_bits") or 15)
        self._out_restarts = f"{ours}_no_context_takeover" in parameters
        self._in_restarts = f"{theirs}_no_context_takeover" in parameters
        self._compressor: Any = None
        self._inflator: Any = None

    def compress(self, data: bytes) -> bytes:
        """Section 7.2.1. zlib cannot compress for a window of 256 bytes: then it uses no window at all."""
        if self._compressor is None or self._out_restarts:
            if self._out_bits == 8:
                self._compressor = zlib.compressobj(wbits=-9, strategy=zlib.Z_HUFFMAN_ONLY)
            else:
                self._compressor = zlib.compressobj(wbits=-self._out_bits)
        out = self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        assert out.endswith(TAIL)
        return out[:-4]

    def inflate(self, data: bytes) -> bytes:
        """Section 7.2.2; a reference beyond the agreed window is an error of the sender's."""
        assert not data.endswith(TAIL), "section 7.2.1: the tail was not removed"
        if self._inflator is None or self._in_restarts:
            self._inflator = zlib.decompressobj(wbits=-self._in_bits)
        return self._inflator.decompress(data + TAIL)


async def exchange(peer: Peer, codec: Codec) -> None:
    """Echo compressed messages that would break if an end used more of its window than it may."""
    peer.deflate = True
    for text in (UNIT.hex().encode(), LONG.hex().encode(), UNIT.hex().encode(), b"Hello " * 20):
        await peer.send_frame(TEXT, codec.compress(text), rsv=RSV1)
        frame = await peer.receive()
        assert isinstance(frame, Frame)
        assert (codec.inflate(frame.payload) if frame.rsv else frame.payload) == text


# The server


def offer_of(parameters: Parameters) -> str:
    return "; ".join(
        [NAME, *(key if value is None else f"{key}={value}" for key, value in parameters.items())]
    )


def server_offers() -> dict[str, Parameters]:
    offers: dict[str, Parameters] = {}
    windows: list[str | None | bool] = [False, "9", "10", "12", "15"]
    for takeover in itertools.product((False, True), repeat=2):
        for server, client in itertools.product(windows, [*windows, None, "8"]):
            offer: Parameters = {}
            if takeover[0]:
                offer["server_no_context_takeover"] = None
            if takeover[1]:
                offer["client_no_context_takeover"] = None
            if server is not False:
                offer["server_max_window_bits"] = server  # type: ignore[assignment]
            if client is not False:
                offer["client_max_window_bits"] = client  # type: ignore[assignment]
            offers[offer_of(offer)] = offer
    return offers


SERVER_OFFERS = server_offers()


@pytest.mark.parametrize("offer", SERVER_OFFERS.values(), ids=SERVER_OFFERS)
async def test_7_1_every_legal_offer_is_accepted_and_kept_to(offer: Parameters) -> None:
    async with served(compression="deflate") as (peer, _):
        await peer.send(request(f"Sec-WebSocket-Extensions: {offer_of(offer)}"))
        (header,) = header_values(await peer.read_head(), "Sec-WebSocket-Extensions")
        ((name, answer),) = parse(header)
        assert name == NAME
        check_response(offer, answer)
        await exchange(peer, Codec(answer, peer_is_client=True))
        await _end(peer)


async def _end(peer: Peer) -> None:
    await peer.send_close(1000)
    await peer.expect_close(1000)
    await peer.expect_end(End.FIN)
    peer.fin()


DECLINED = (
    "unknown",
    "unknown=1",
    "server_no_context_takeover=1",
    "client_no_context_takeover=true",
    "server_max_window_bits",
    "server_max_window_bits=7",
    "server_max_window_bits=16",
    "server_max_window_bits=0",
    "server_max_window_bits=08",
    "server_max_window_bits=010",
    "server_max_window_bits=1O",
    "server_max_window_bits=-9",
    "server_max_window_bits=100",
    # A compressor for a window of 256 bytes is not to be had, so that this cannot be promised.
    "server_max_window_bits=8",
    "client_max_window_bits=7",
    "client_max_window_bits=16",
    "client_max_window_bits=08",
    "client_max_window_bits=abc",
    "server_no_context_takeover; server_no_context_takeover",
    "client_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits=10; server_max_window_bits=10",
    "server_max_window_bits=10; server_max_window_bits=11",
    "client_max_window_bits; client_max_window_bits",
    "client_max_window_bits; client_max_window_bits=10",
    "Server_No_Context_Takeover",
)


@pytest.mark.parametrize("parameters", DECLINED)
async def test_7_1_a_wrong_offer_is_declined_and_the_connection_opened_without(parameters: str) -> None:
    async with served(compression="deflate") as (peer, _):
        await peer.send(request(f"Sec-WebSocket-Extensions: {NAME}; {parameters}"))
        head = await peer.read_head()
        assert head.startswith(b"HTTP/1.1 101 ")
        assert header_values(head, "Sec-WebSocket-Extensions") == []
        await peer.send_frame(TEXT, b"plain")
        await peer.expect(TEXT, b"plain")
        await _end(peer)


@pytest.mark.parametrize("parameters", DECLINED)
async def test_7_1_the_next_offer_is_taken_where_one_is_declined(parameters: str) -> None:
    async with served(compression="deflate") as (peer, _):
        offers = f"{NAME}; {parameters}, x-other, {NAME}; server_no_context_takeover"
        await peer.send(request(f"Sec-WebSocket-Extensions: {offers}"))
        (header,) = header_values(await peer.read_head(), "Sec-WebSocket-Extensions")
        ((_, answer),) = parse(header)
        check_response({"server_no_context_takeover": None}, answer)
        await exchange(peer, Codec(answer, peer_is_client=True))
        await _end(peer)


@pytest.mark.parametrize(
    "offers",
    [
        [f"{NAME}; server_max_window_bits=10, {NAME}"],
        [f"{NAME}; server_max_window_bits=10", NAME],
        [f'{NAME}; server_max_window_bits="10"', f"{NAME}; unknown"],
        [f"x-a, {NAME} ;server_max_window_bits = 10 , x-b"],
    ],
    ids=["a list", "two lines", "quoted", "blanks"],
)
async def test_5_the_first_acceptable_offer_is_taken(offers: list[str]) -> None:
    async with served(compression="deflate") as (peer, _):
        await peer.send(request(*(f"Sec-WebSocket-Extensions: {offer}" for offer in offers)))
        (header,) = header_values(await peer.read_head(), "Sec-WebSocket-Extensions")
        ((_, answer),) = parse(header)
        check_response({"server_max_window_bits": "10"}, answer)
        await exchange(peer, Codec(answer, peer_is_client=True))
        await _end(peer)


async def test_5_a_server_without_compression_declines() -> None:
    async with served(compression=None) as (peer, _):
        await peer.send(request(f"Sec-WebSocket-Extensions: {NAME}; client_max_window_bits"))
        assert header_values(await peer.read_head(), "Sec-WebSocket-Extensions") == []
        await _end(peer)


SERVER_FACTORIES: dict[str, dict[str, Any]] = {
    "server_no_context_takeover": {"server_no_context_takeover": True},
    "client_no_context_takeover": {"client_no_context_takeover": True},
    "server_max_window_bits=9": {"server_max_window_bits": 9},
    "client_max_window_bits=9": {"client_max_window_bits": 9},
}


@pytest.mark.parametrize("required", SERVER_FACTORIES)
@pytest.mark.parametrize("offer", ["", "; client_max_window_bits", "; server_max_window_bits=12"])
async def test_7_1_a_server_may_ask_for_less_than_was_offered(required: str, offer: str) -> None:
    """The parameters that a server may add by itself; client_max_window_bits it may not (section 7.1.2.2)."""
    factory = subject.ServerPerMessageDeflateFactory(**SERVER_FACTORIES[required])
    async with served(extensions=[factory], compression=None) as (peer, _):
        await peer.send(request(f"Sec-WebSocket-Extensions: {NAME}{offer}"))
        (header,) = header_values(await peer.read_head(), "Sec-WebSocket-Extensions")
        ((_, answer),) = parse(header)
        check_response(parse(NAME + offer)[0][1], answer)
        if "client_max_window_bits=9" not in required:
            key, _, value = required.partition("=")
            assert answer[key] == (value or None)
        await exchange(peer, Codec(answer, peer_is_client=True))
        await _end(peer)


# The client


async def test_5_1_what_a_client_offers_by_default() -> None:
    async with dialled(compression="deflate") as (peer, _):
        _, head = await opening(peer)
        (header,) = header_values(head, "Sec-WebSocket-Extensions")
        ((name, offer),) = parse(header)
        assert name == NAME
        assert set(offer) <= {"client_max_window_bits", "server_max_window_bits"}


CLIENT_OFFERS: list[dict[str, Any]] = [
    {"client_max_window_bits": True},
    {"client_max_window_bits": 12},
    {"server_max_window_bits": 10, "client_max_window_bits": True},
    {"server_no_context_takeover": True, "client_max_window_bits": True},
    {"client_no_context_takeover": True, "client_max_window_bits": True},
    {"server_no_context_takeover": True, "client_no_context_takeover": True, "server_max_window_bits": 15},
]
ANSWERS: list[Parameters] = [
    {},
    {"server_no_context_takeover": None},
    {"client_no_context_takeover": None},
    {"server_max_window_bits": "8"},
    {"server_max_window_bits": "10"},
    {"server_max_window_bits": "15"},
    {"client_max_window_bits": "9"},
    {"client_max_window_bits": "12", "server_max_window_bits": "9", "server_no_context_takeover": None},
]


def is_legal(offer: Parameters, answer: Parameters) -> bool:
    try:
        check_response(offer, answer)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("answer", ANSWERS, ids=offer_of)
@pytest.mark.parametrize("arguments", CLIENT_OFFERS, ids=str)
async def test_7_1_a_client_takes_legal_answers_and_refuses_others(
    arguments: dict[str, Any], answer: Parameters
) -> None:
    factory = subject.ClientPerMessageDeflateFactory(**arguments)
    async with dialled(extensions=[factory], compression=None) as (peer, task):
        _, head = await opening(peer)
        (header,) = header_values(head, "Sec-WebSocket-Extensions")
        ((_, offer),) = parse(header)
        await peer.send(upgrade_response(head, offer_of(answer)))
        if not is_legal(offer, answer):
            with pytest.raises(subject.exceptions.NegotiationError):
                await task
            return
        ws = await task
        codec = Codec(answer, peer_is_client=False)
        echoing = asyncio.ensure_future(_echo(ws, 4))
        await exchange(peer, codec)
        await echoing
        peer.deflate = False
        await peer.send_close(1000)
        await peer.expect_close(1000)
        peer.fin()
        await peer.expect_end(End.FIN)


async def _echo(ws: Any, count: int) -> None:
    for _ in range(count):
        await ws.send(await ws.recv())


@pytest.mark.parametrize(
    "answer",
    [
        f"{NAME}; unknown",
        f"{NAME}; server_no_context_takeover=1",
        f"{NAME}; server_no_context_takeover; server_no_context_takeover",
        f"{NAME}; server_max_window_bits",
        f"{NAME}; server_max_window_bits=7",
        f"{NAME}; server_max_window_bits=16",
        f"{NAME}; server_max_window_bits=09",
        f"{NAME}; client_max_window_bits",
        f"{NAME}; client_max_window_bits=16",
        f"{NAME}; client_max_window_bits=7",
        f"{NAME}; client_max_window_bits=10; client_max_window_bits=10",
        # It would bind our own compressor to a window that is not to be had.
        f"{NAME}; client_max_window_bits=8",
        f"{NAME}, {NAME}",
        f"{NAME}, x-other",
        "x-webkit-deflate-frame",
    ],
)
async def test_7_1_a_client_fails_on_a_wrong_answer(answer: str) -> None:
    async with dialled(compression="deflate") as (peer, task):
        _, head = await opening(peer)
        await peer.send(upgrade_response(head, answer))
        with pytest.raises(subject.exceptions.NegotiationError):
            await task
        assert (await peer.read_rest())[0] == b""


async def test_5_the_server_may_decline() -> None:
    async with dialled(compression="deflate") as (peer, task):
        _, head = await opening(peer)
        await peer.send(upgrade_response(head))
        await converse(peer, task)
