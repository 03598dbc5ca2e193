"""permessage-deflate (RFC 7692), with the standard library's zlib as the other end."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import random
import sys
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.exceptions import (
    DuplicateParameter,
    InvalidParameterName,
    InvalidParameterValue,
    NegotiationError,
    PayloadTooBig,
    ProtocolError,
)
from openline.protocol.extensions import permessage_deflate
from openline.protocol.extensions.base import ClientExtensionFactory, Extension, ServerExtensionFactory
from openline.protocol.extensions.permessage_deflate import (
    THRESHOLD,
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
    compressed_bound,
    enable_client_permessage_deflate,
    enable_server_permessage_deflate,
)
from openline.protocol.frames import RSV1, Frame, Opcode
from openline.protocol.headers import ExtensionParameter, build_extensions, parse_extensions

TAIL = b"\x00\x00\xff\xff"
HELLO = bytes.fromhex("f248cdc9c90700")  # "Hello", section 7.2.3.1

HAS_ZLIB_NG = importlib.util.find_spec("zlib_ng") is not None
LIBRARIES = ["zlib", "zlib_ng.zlib_ng"] if HAS_ZLIB_NG else ["zlib"]


@pytest.fixture(params=LIBRARIES, autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Every test runs with zlib, and with zlib-ng where it is installed."""
    module = importlib.import_module(request.param)
    monkeypatch.setattr(permessage_deflate, "_zlib", module)
    return module


def deflate(**changes: Any) -> PerMessageDeflate:
    arguments = {
        "remote_no_context_takeover": False,
        "local_no_context_takeover": False,
        "remote_max_window_bits": 15,
        "local_max_window_bits": 15,
        **changes,
    }
    return PerMessageDeflate(**arguments)


def words(size: int, seed: int = 1) -> bytes:
    """Text that compresses somewhat, with repetitions at all distances."""
    generator = random.Random(seed)
    vocabulary = [generator.randbytes(generator.randint(3, 30)) for _ in range(400)]
    return b"".join(generator.choice(vocabulary) for _ in range(size // 10))[:size]


# ------------------------------------------------------------------------------------------------ section 7.2.3


def test_7_2_3_1_one_compressed_block() -> None:
    assert deflate().decompress_message(HELLO, None) == b"Hello"
    assert deflate(threshold=0).compress_message(b"Hello") == HELLO


def test_7_2_3_1_the_message_in_two_fragments() -> None:
    end = deflate()
    assert end.inflate(HELLO[:3], None, fin=False) + end.inflate(HELLO[3:], None, fin=True) == b"Hello"


def test_7_2_3_2_the_window_is_shared() -> None:
    end = deflate()
    assert end.decompress_message(HELLO, None) == b"Hello"
    assert end.decompress_message(bytes.fromhex("f200110000"), None) == b"Hello"
    own = deflate(threshold=0)
    assert [own.compress_message(b"Hello") for _ in range(2)] == [HELLO, bytes.fromhex("f200110000")]


def test_7_2_3_3_a_block_without_compression() -> None:
    payload = bytes.fromhex("000500faff48656c6c6f00")
    assert deflate().decompress_message(payload, None) == b"Hello"


def test_7_2_3_4_a_block_with_bfinal_set() -> None:
    end = deflate()
    final = bytes.fromhex("f348cdc9c9070000")
    for _ in range(3):
        assert end.decompress_message(final, None) == b"Hello"
    assert end.decompress_message(HELLO, None) == b"Hello"


def test_7_2_3_4_other_blocks_follow_a_final_one() -> None:
    final = bytes.fromhex("f348cdc9c90700")
    end = deflate()
    for cut in range(len(final + HELLO) + 1):
        payload = final + HELLO
        got = end.inflate(payload[:cut], None, fin=False) + end.inflate(payload[cut:], None, fin=True)
        assert got == b"HelloHello"


def test_7_2_3_4_final_blocks_by_the_thousand_stay_within_the_limit() -> None:
    final = bytes.fromhex("f348cdc9c90700")
    assert deflate().decompress_message(final * 1000 + b"\x00", 5000) == b"Hello" * 1000
    with pytest.raises(PayloadTooBig):
        deflate().decompress_message(final * 1000 + b"\x00", 4999)


def test_7_2_3_5_two_blocks_in_one_message() -> None:
    payload = bytes.fromhex("f248050000 00ffff cac9c90700".replace(" ", ""))
    assert deflate().decompress_message(payload, None) == b"Hello"


def test_7_2_3_6_an_empty_message() -> None:
    assert deflate().decompress_message(b"\x00", None) == b""
    end = deflate(threshold=0)
    assert [end.compress_message(b"") for _ in range(3)] == [b"\x00"] * 3


# ------------------------------------------------------------------------------------------------ compressing


@pytest.mark.parametrize("bits", range(9, 16))
@pytest.mark.parametrize("level", [-1, 0, 1, 6, 9])
def test_7_1_2_what_is_compressed_fits_the_window(bits: int, level: int) -> None:
    end = deflate(local_max_window_bits=bits, compress_settings={"level": level, "memLevel": 5})
    peer = zlib.decompressobj(-bits)
    for message in (words(60000), words(5000), words(60000)):
        payload = end.compress_message(message)
        assert payload is not None
        got, rest = b"", payload + TAIL
        while rest:  # a little at a time, so that the window is all that the peer can look back on
            got += peer.decompress(rest, 50)
            rest = peer.unconsumed_tail
        while more := peer.decompress(b"", 50):
            got += more
        assert got == message


def test_7_1_1_no_context_takeover_starts_anew_each_time() -> None:
    end = deflate(local_no_context_takeover=True, threshold=0)
    assert [end.compress_message(b"Hello") for _ in range(2)] == [HELLO, HELLO]


def test_7_1_1_no_context_takeover_of_the_peer() -> None:
    end = deflate(remote_no_context_takeover=True)
    assert [end.decompress_message(HELLO, None) for _ in range(2)] == [b"Hello", b"Hello"]
    with pytest.raises(ProtocolError, match=r"RFC 7692 section 7\.2\.2"):  # it refers to what is forgotten
        end.decompress_message(bytes.fromhex("f200110000"), None)


def test_7_2_1_the_compressor_may_be_dropped_between_messages() -> None:
    end, peer = deflate(threshold=0), zlib.decompressobj(-15)
    for _ in range(3):
        payload = end.compress_message(b"Hello")
        assert payload == HELLO
        assert peer.decompress(payload + TAIL) == b"Hello"
        end.reset_compressor()


def test_small_messages_stay_as_they_are() -> None:
    end = deflate()
    assert end.compress_message(b"a" * (THRESHOLD - 1)) is None
    assert end.compress_message(b"a" * THRESHOLD) is not None
    assert deflate(threshold=0).compress_message(b"") is not None


def test_equal_parameters_share_what_is_compressed() -> None:
    one = deflate(compress_settings={"memLevel": 5, "level": 1}, remote_max_window_bits=9)
    same = deflate(compress_settings={"level": 1, "memLevel": 5}, local_no_context_takeover=True)
    assert one.parameters == same.parameters
    assert hash(one.parameters) == hash(same.parameters)
    assert one.compress_message(words(500)) == same.compress_message(words(500))
    assert one.parameters != deflate().parameters
    assert deflate().parameters != deflate(local_max_window_bits=9).parameters
    assert deflate().parameters != deflate(threshold=0).parameters


# ------------------------------------------------------------------------------------------------ decompressing


def test_7_1_2_a_peer_with_a_window_of_8_bits_is_read() -> None:
    # No zlib compresses with 8 bits; a window of 256 bytes is never left by messages that are shorter.
    end = deflate(remote_max_window_bits=8)
    peer = zlib.compressobj(wbits=-9)
    message = words(200)
    payload = (peer.compress(message) + peer.flush(zlib.Z_SYNC_FLUSH))[:-4]
    assert end.decompress_message(payload, None) == message


@pytest.mark.parametrize("payload", [b"\xff", b"\x07", bytes.fromhex("f200110000"), b"\x00\x05\x00\x00\x00"])
def test_7_2_2_data_that_is_not_compressed(payload: bytes) -> None:
    with pytest.raises(ProtocolError, match=r"RFC 7692 section 7\.2\.2"):
        deflate().decompress_message(payload, None)


@pytest.mark.parametrize("size", [0, 1, 1000, 100_000])
@pytest.mark.parametrize("takeover", [True, False])
def test_10_4_the_limit_is_exact(size: int, takeover: bool) -> None:
    own = deflate(threshold=0)
    payload = own.compress_message(b"a" * size)
    assert payload is not None
    assert len(deflate(remote_no_context_takeover=not takeover).decompress_message(payload, size)) == size
    if size:
        with pytest.raises(PayloadTooBig, match=f"exceeds limit of {size - 1} bytes"):
            deflate().decompress_message(payload, size - 1)


def test_10_4_a_bomb_never_unfolds(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stored: list[int] = []

    class Watched:
        def __init__(self, bits: int) -> None:
            self.inner = library.decompressobj(bits)

        def decompress(self, data: bytes, max_length: int = 0) -> bytes:
            output = self.inner.decompress(data, max_length)
            stored.append(len(output))
            return output

    payload = deflate().compress_message(bytes(10_000_000))
    assert payload is not None
    assert len(payload) < 50_000
    monkeypatch.setattr(
        permessage_deflate, "_zlib", type("Zlib", (), {"decompressobj": Watched, "error": library.error})
    )
    with pytest.raises(PayloadTooBig):
        deflate().decompress_message(payload, 1000)
    assert stored == [1001]


@given(st.binary(max_size=3000), st.lists(st.integers(0, 3000), max_size=5), st.booleans())
def test_7_2_2_any_pieces_give_the_same_message(message: bytes, cuts: list[int], takeover: bool) -> None:
    own, peer = deflate(threshold=0), deflate(remote_no_context_takeover=not takeover)
    payload = own.deflate(message, fin=True)
    edges = sorted({0, len(payload), *(cut for cut in cuts if cut < len(payload))})
    pieces = [payload[a:b] for a, b in itertools.pairwise(edges)]
    got = b"".join(peer.inflate(p, len(message), fin=False) for p in pieces)
    assert got + peer.inflate(b"", len(message) - len(got), fin=True) == message


@given(st.binary(max_size=400))
def test_7_2_2_junk_is_refused_or_read_within_the_limit(junk: bytes) -> None:
    with contextlib.suppress(ProtocolError, PayloadTooBig):
        assert len(deflate().decompress_message(junk, 1000)) <= 1000


def test_the_bound_holds_for_the_worst_settings() -> None:
    noise = random.Random(1).randbytes(100_000)
    for size in (0, 1, 100, 1000, 100_000):
        for level, memory, bits in ((0, 1, 9), (1, 1, 9), (6, 1, 9), (6, 8, 15)):
            compressor = zlib.compressobj(level=level, memLevel=memory, wbits=-bits)
            payload = compressor.compress(noise[:size]) + compressor.flush(zlib.Z_SYNC_FLUSH)
            assert len(payload) <= compressed_bound(size)


# ------------------------------------------------------------------------------------------------ frames


def test_6_reserved_bit_1_only_in_the_first_frame_of_a_message() -> None:
    allowed = {opcode for opcode in Opcode if deflate().rsv_allowed(opcode) == RSV1}
    assert allowed == {Opcode.TEXT, Opcode.BINARY}
    assert {deflate().rsv_allowed(opcode) for opcode in set(Opcode) - allowed} == {0}


@pytest.mark.parametrize("opcode", [Opcode.CLOSE, Opcode.PING, Opcode.PONG])
def test_5_control_frames_are_left_alone(opcode: Opcode) -> None:
    frame = Frame(opcode, b"a" * 100)
    assert deflate().encode(frame) is frame
    assert deflate().decode(frame) is frame


def test_6_1_and_6_2_a_message_in_one_frame() -> None:
    frame = Frame(Opcode.TEXT, b"Hello" * 100, rsv2=True)
    sent = deflate().encode(frame)
    assert (sent.opcode, sent.fin, sent.rsv1, sent.rsv2) == (Opcode.TEXT, True, True, True)
    assert len(sent.data) < 500
    assert deflate().decode(sent) == frame


def test_6_1_and_6_2_a_message_in_fragments() -> None:
    own, peer = deflate(), deflate()
    for _ in range(2):
        frames = [
            Frame(Opcode.BINARY, b"a" * 10, fin=False),
            Frame(Opcode.CONT, b"", fin=False),
            Frame(Opcode.CONT, b"b"),
        ]
        sent = [own.encode(frame) for frame in frames]
        assert [frame.rsv1 for frame in sent] == [True, False, False]
        assert [frame.opcode for frame in sent] == [Opcode.BINARY, Opcode.CONT, Opcode.CONT]
        assert [peer.decode(frame) for frame in sent] == frames


@pytest.mark.parametrize(
    ("size", "fin", "compress", "compressed"),
    [
        (THRESHOLD, True, None, True),
        (THRESHOLD - 1, True, None, False),
        (0, False, None, True),
        (1000, True, False, False),
        (1000, False, False, False),
        (1, True, True, True),
    ],
)
def test_6_1_whether_to_compress(size: int, fin: bool, compress: bool | None, compressed: bool) -> None:
    end = deflate()
    assert end.encode(Frame(Opcode.TEXT, b"a" * size, fin=fin), compress=compress).rsv1 is compressed
    if not fin:
        last = Frame(Opcode.CONT, b"a" * 100)
        assert (end.encode(last, compress=not compressed) is not last) is compressed


def test_6_2_a_message_that_is_not_compressed() -> None:
    end = deflate()
    for frame in (
        Frame(Opcode.TEXT, b"Hello", fin=False),
        Frame(Opcode.CONT, b"a"),
        Frame(Opcode.TEXT, b"b"),
    ):
        assert end.decode(frame) is frame


def test_6_2_the_limit_holds_for_frames() -> None:
    sent = deflate().encode(Frame(Opcode.TEXT, b"a" * 1000))
    with pytest.raises(PayloadTooBig):
        deflate().decode(sent, max_size=999)


# ------------------------------------------------------------------------------------------------ section 7.1


def client(params: str, **arguments: Any) -> PerMessageDeflate:
    """What a client makes of a server's answer."""
    return ClientPerMessageDeflateFactory(**arguments).process_response_params(read(params), [])


def server(params: str, **arguments: Any) -> tuple[str, PerMessageDeflate]:
    """What a server makes of a client's offer."""
    agreed, extension = ServerPerMessageDeflateFactory(**arguments).process_request_params(read(params), [])
    return build_extensions([("x", agreed)]).removeprefix("x").removeprefix("; "), extension


def read(params: str) -> list[ExtensionParameter]:
    return parse_extensions([f"x; {params}" if params else "x"])[0][1]


def settings(extension: PerMessageDeflate) -> tuple[bool, bool, int, int]:
    return (
        extension.remote_no_context_takeover,
        extension.local_no_context_takeover,
        extension.remote_max_window_bits,
        extension.local_max_window_bits,
    )


@pytest.mark.parametrize(
    ("arguments", "params"),
    [
        ({}, "client_max_window_bits"),
        ({"client_max_window_bits": None}, ""),
        ({"client_max_window_bits": 9}, "client_max_window_bits=9"),
        (
            {
                "server_no_context_takeover": True,
                "client_no_context_takeover": True,
                "server_max_window_bits": 8,
            },
            "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; client_max_window_bits",
        ),
    ],
)
def test_7_1_offer(arguments: dict[str, Any], params: str) -> None:
    assert ClientPerMessageDeflateFactory(**arguments).get_request_params() == read(params)


S, C = "server_no_context_takeover", "client_no_context_takeover"
SB, CB = "server_max_window_bits", "client_max_window_bits"


@pytest.mark.parametrize(
    ("arguments", "answer", "expected"),
    [
        ({}, "", (False, False, 15, 15)),
        # 7.1.1.1
        ({}, S, (True, False, 15, 15)),
        ({S: True}, S, (True, False, 15, 15)),
        ({S: True}, "", "expected server_no_context_takeover"),
        # 7.1.1.2
        ({}, C, (False, True, 15, 15)),
        ({C: True}, "", (False, True, 15, 15)),
        ({C: True}, C, (False, True, 15, 15)),
        # 7.1.2.1
        ({}, f"{SB}=8", (False, False, 8, 15)),
        ({SB: 10}, f"{SB}=10", (False, False, 10, 15)),
        ({SB: 10}, f"{SB}=9", (False, False, 9, 15)),
        ({SB: 10}, f"{SB}=11", "server_max_window_bits above what was offered"),
        ({SB: 10}, "", "expected server_max_window_bits"),
        ({SB: 15}, "", "expected server_max_window_bits"),
        ({SB: 15}, f"{SB}=15", (False, False, 15, 15)),
        # 7.1.2.2
        ({}, f"{CB}=9", (False, False, 15, 9)),
        ({CB: 10}, "", (False, False, 15, 10)),
        ({CB: 10}, f"{CB}=9", (False, False, 15, 9)),
        ({CB: 10}, f"{CB}=11", "client_max_window_bits above what was offered"),
        ({CB: None}, "", (False, False, 15, 15)),
        ({CB: None}, f"{CB}=10", "client_max_window_bits was not offered"),
        ({}, f"{CB}=8", "client_max_window_bits=8 is not supported by zlib"),
        ({C: True, S: True, SB: 9, CB: 9}, f"{CB}=9; {SB}=9; {C}; {S}", (True, True, 9, 9)),
    ],
)
def test_7_1_answer(
    arguments: dict[str, Any], answer: str, expected: tuple[bool, bool, int, int] | str
) -> None:
    if isinstance(expected, str):
        with pytest.raises(NegotiationError, match=expected):
            client(answer, **arguments)
    else:
        assert settings(client(answer, **arguments)) == expected


@pytest.mark.parametrize(
    ("arguments", "offer", "answer", "expected"),
    [
        ({}, "", "", (False, False, 15, 15)),
        # 7.1.1.1
        ({}, S, S, (False, True, 15, 15)),
        ({S: True}, "", S, (False, True, 15, 15)),
        # 7.1.1.2
        ({}, C, C, (True, False, 15, 15)),
        ({C: True}, "", C, (True, False, 15, 15)),
        # 7.1.2.1
        ({}, f"{SB}=10", f"{SB}=10", (False, False, 15, 10)),
        ({SB: 9}, "", f"{SB}=9", (False, False, 15, 9)),
        ({SB: 9}, f"{SB}=10", f"{SB}=9", (False, False, 15, 9)),
        ({SB: 10}, f"{SB}=9", f"{SB}=9", (False, False, 15, 9)),
        ({}, f"{SB}=8", None, "server_max_window_bits=8 is not supported by zlib"),
        # 7.1.2.2
        ({}, CB, "", (False, False, 15, 15)),
        ({}, f"{CB}=8", f"{CB}=8", (False, False, 8, 15)),
        ({CB: 9}, CB, f"{CB}=9", (False, False, 9, 15)),
        ({CB: 9}, f"{CB}=10", f"{CB}=9", (False, False, 9, 15)),
        ({CB: 10}, f"{CB}=9", f"{CB}=9", (False, False, 9, 15)),
        ({CB: 9}, "", "", (False, False, 15, 15)),
        ({CB: 9, "require_client_max_window_bits": True}, "", None, "client_max_window_bits is required"),
        ({CB: 9, "require_client_max_window_bits": True}, CB, f"{CB}=9", (False, False, 9, 15)),
    ],
)
def test_7_1_offer_is_answered(
    arguments: dict[str, Any], offer: str, answer: str | None, expected: tuple[bool, bool, int, int] | str
) -> None:
    if isinstance(expected, str):
        with pytest.raises(NegotiationError, match=expected):
            server(offer, **arguments)
    else:
        written, extension = server(offer, **arguments)
        assert (written, settings(extension)) == (answer, expected)


@pytest.mark.parametrize(
    ("params", "error"),
    [
        (f"{S}; {S}", DuplicateParameter),
        (f"{SB}=10; {SB}=10", DuplicateParameter),
        ("unknown", InvalidParameterName),
        ("unknown=1", InvalidParameterName),
        (f"{S}=1", InvalidParameterValue),
        (f"{C}=true", InvalidParameterValue),
        (SB, InvalidParameterValue),
        (f"{SB}=7", InvalidParameterValue),
        (f"{SB}=16", InvalidParameterValue),
        (f"{SB}=010", InvalidParameterValue),
        (f"{SB}=+9", InvalidParameterValue),
        (f"{CB}=7", InvalidParameterValue),
        (f"{CB}=x", InvalidParameterValue),
    ],
)
def test_7_1_wrong_parameters_are_declined(params: str, error: type[NegotiationError]) -> None:
    with pytest.raises(error):
        client(params)
    with pytest.raises(error):
        server(params)


def test_7_1_2_2_only_offers_have_client_bits_without_a_value() -> None:
    server(CB)
    with pytest.raises(InvalidParameterValue, match="missing value for parameter client_max_window_bits"):
        client(CB)


def test_5_the_extension_is_used_once() -> None:
    for factory in (ClientPerMessageDeflateFactory(), ServerPerMessageDeflateFactory()):
        process = getattr(factory, "process_response_params", None) or factory.process_request_params
        with pytest.raises(
            NegotiationError, match="RFC 7692 section 5: permessage-deflate is in use already"
        ):
            process([], [deflate()])


def test_factories_pass_their_settings_on() -> None:
    for extension in (
        client("", compress_settings={"level": 1}, threshold=7),
        server("", compress_settings={"level": 1}, threshold=7)[1],
    ):
        assert extension.threshold == 7
        assert extension.parameters == (15, 7, (("level", 1),))


@pytest.mark.parametrize("factory", [ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory])
@pytest.mark.parametrize(
    "arguments",
    [{SB: 7}, {SB: 16}, {CB: 7}, {CB: 16}, {"compress_settings": {"wbits": 9}}],
)
def test_settings_out_of_range(factory: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        factory(**arguments)


def test_8_bits_only_for_the_other_end() -> None:
    ClientPerMessageDeflateFactory(server_max_window_bits=8)
    ServerPerMessageDeflateFactory(client_max_window_bits=8)
    with pytest.raises(ValueError, match="client_max_window_bits must be between 9 and 15"):
        ClientPerMessageDeflateFactory(client_max_window_bits=8)
    with pytest.raises(ValueError, match="server_max_window_bits must be between 9 and 15"):
        ServerPerMessageDeflateFactory(server_max_window_bits=8)


def test_bits_that_are_required_must_be_set() -> None:
    with pytest.raises(ValueError, match="require_client_max_window_bits needs client_max_window_bits"):
        ServerPerMessageDeflateFactory(require_client_max_window_bits=True)


class OtherFactory(ClientExtensionFactory, ServerExtensionFactory):
    name = "x-other"


def test_defaults_are_those_of_websockets() -> None:
    (client_factory,) = enable_client_permessage_deflate(None)
    assert client_factory.get_request_params() == [(CB, None)]
    (server_factory,) = enable_server_permessage_deflate(None)
    agreed, extension = server_factory.process_request_params([(CB, None)], [])
    assert agreed == [(SB, "12"), (CB, "12")]
    assert isinstance(extension, PerMessageDeflate)
    assert settings(extension) == (False, False, 12, 12)
    assert extension.parameters == (12, THRESHOLD, (("memLevel", 5),))


def test_defaults_are_added_once() -> None:
    other = OtherFactory()
    for enable in (enable_client_permessage_deflate, enable_server_permessage_deflate):
        extensions = enable([other])  # type: ignore[operator]
        assert [factory.name for factory in extensions] == ["x-other", "permessage-deflate"]
        assert enable(extensions) is extensions


def test_repr_shows_what_was_agreed_on() -> None:
    assert repr(deflate(local_max_window_bits=9)) == (
        "PerMessageDeflate(remote_no_context_takeover=False, local_no_context_takeover=False, "
        "remote_max_window_bits=15, local_max_window_bits=9)"
    )
    assert isinstance(deflate(), Extension)


def test_memory_is_taken_late_and_given_back() -> None:
    end = deflate()
    assert (end._compressor, end._decompressor) == (None, None)
    end.compress_message(words(100))
    assert end._compressor is not None
    end.reset_compressor()
    assert end._compressor is None
    end = deflate(local_no_context_takeover=True, remote_no_context_takeover=True)
    end.decompress_message(end.compress_message(words(100)) or b"", None)
    assert (end._compressor, end._decompressor) == (None, None)


def test_zlib_serves_where_zlib_ng_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zlib_ng", None)
    monkeypatch.setitem(sys.modules, "zlib_ng.zlib_ng", None)
    assert permessage_deflate._load_zlib() is zlib


@pytest.mark.skipif(not HAS_ZLIB_NG, reason="zlib-ng is not installed: tested with zlib alone")
def test_zlib_ng_is_preferred() -> None:
    assert permessage_deflate._load_zlib() is sys.modules["zlib_ng.zlib_ng"]


def test_an_unused_compressor_is_dropped_and_a_used_one_is_not() -> None:
    end, watched = deflate(), []
    end.on_compressor = watched.append
    assert end.drop_unused()
    end.compress_message(words(100))
    assert not end.drop_unused()
    assert end.drop_unused()
    assert end._compressor is None
    end.compress_message(words(100))
    assert watched == [end, end]


def test_a_compressor_in_the_middle_of_a_message_is_not_dropped() -> None:
    end = deflate()
    end.encode(Frame(Opcode.TEXT, words(100), fin=False))
    end.drop_unused()
    assert not end.drop_unused()
    end.encode(Frame(Opcode.CONT, words(100), fin=True))
    end.drop_unused()
    assert end.drop_unused()


class Stored:
    """Compresses nothing."""

    def __init__(self, bits: int) -> None:
        self.bits = bits

    def compress(self, data: bytes, /) -> bytes:
        size = len(data)
        return (
            b"\x00" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + data + b"\0" + TAIL
        )


def test_something_else_than_zlib_may_compress() -> None:
    end = deflate(local_max_window_bits=11, compress_settings={"memLevel": 5})
    end.use(Stored)
    message = words(100)
    compressed = end.compress_message(message)
    assert compressed is not None
    assert message in compressed
    assert deflate().decompress_message(compressed, None) == message
    assert isinstance(end._compressor, Stored)
    assert end._compressor.bits == 11


def test_but_not_where_zlib_was_asked_for() -> None:
    end = deflate(compress_settings={"level": 9})
    end.use(Stored)
    end.compress_message(words(100))
    assert not isinstance(end._compressor, Stored)
