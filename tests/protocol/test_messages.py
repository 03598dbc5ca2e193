"""Messages from frames: fragments, sizes, UTF-8, extensions (RFC 6455 sections 5.4, 5.6, 8.1, 9, 10.4)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openline.exceptions import PayloadTooBig, TooManyFragments
from openline.protocol.events import Fragment, Message
from openline.protocol.extensions.base import Extension
from openline.protocol.extensions.permessage_deflate import PerMessageDeflate
from openline.protocol.frames import RSV1, RSV2, Frame, FrameHeader, Opcode
from openline.protocol.messages import MessageAssembler, decode_payload

Event = Message | Fragment


class Reversed(Extension):
    """Sends every payload backwards, and marks it with RSV2."""

    name = "x-reversed"
    rsv = RSV2

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        assert frame.rsv2
        return Frame(frame.opcode, frame.data[::-1], frame.fin, frame.rsv1)


def assembler(
    *,
    max_size: int | None = None,
    max_fragment_size: int | None = None,
    max_fragments: int | None = None,
    extensions: Sequence[Extension] = (),
) -> MessageAssembler:
    return MessageAssembler(
        max_size=max_size,
        max_fragment_size=max_fragment_size,
        max_fragments=max_fragments,
        extensions=extensions,
    )


def give(
    end: MessageAssembler,
    opcode: Opcode,
    data: bytes,
    *,
    fin: bool = True,
    rsv: int = 0,
    step: int | None = None,
) -> Event | None:
    """Give one frame, in pieces of ``step`` bytes."""
    end.start_frame(FrameHeader(fin, rsv, opcode, None, len(data), 2))
    step = step or len(data) or 1
    pieces = [data[i : i + step] for i in range(0, len(data), step)] or [b""]
    events = [end.feed(piece, i == len(pieces) - 1) for i, piece in enumerate(pieces)]
    assert events[:-1] == [None] * (len(pieces) - 1)
    return events[-1]


def pair() -> tuple[PerMessageDeflate, PerMessageDeflate]:
    return PerMessageDeflate(False, False, 15, 15, threshold=0), PerMessageDeflate(False, False, 15, 15)


@pytest.mark.parametrize("step", [None, 1, 2, 3])
def test_5_6_message_in_one_frame(step: int | None) -> None:
    end = assembler()
    assert give(end, Opcode.TEXT, "a\r\né😀\n".encode(), step=step) == Message("a\r\né😀\n")
    assert give(end, Opcode.BINARY, b"\xff\x00\r\n", step=step) == Message(b"\xff\x00\r\n")
    assert give(end, Opcode.TEXT, b"") == Message("")
    assert give(end, Opcode.BINARY, b"") == Message(b"")
    assert not end.in_message


@pytest.mark.parametrize("step", [None, 1, 2])
def test_5_4_message_in_fragments(step: int | None) -> None:
    end = assembler()
    for _ in range(2):
        assert give(end, Opcode.TEXT, b"ab", fin=False, step=step) == Fragment("ab", True, False)
        assert end.in_message
        assert give(end, Opcode.CONT, b"", fin=False) == Fragment("", False, False)
        assert give(end, Opcode.CONT, b"c", step=step) == Fragment("c", False, True)
        assert not end.in_message
        assert give(end, Opcode.BINARY, b"\xff", fin=False) == Fragment(b"\xff", True, False)
        assert give(end, Opcode.CONT, b"\xfe") == Fragment(b"\xfe", False, True)


def test_5_6_split_character_goes_to_the_later_fragment() -> None:
    end = assembler()
    smile = "😀".encode()
    assert give(end, Opcode.TEXT, b"a" + smile[:1], fin=False) == Fragment("a", True, False)
    assert give(end, Opcode.CONT, smile[1:2], fin=False) == Fragment("", False, False)
    assert give(end, Opcode.CONT, smile[2:] + b"b") == Fragment("😀b", False, True)


def test_8_1_wrong_utf8_is_found_inside_a_frame() -> None:
    end = assembler()
    end.start_frame(FrameHeader(True, 0, Opcode.TEXT, None, 1000, 4))
    assert end.feed(b"a\xed", False) is None
    with pytest.raises(UnicodeDecodeError):
        end.feed(b"\xa0", False)


def test_8_1_text_ends_inside_a_character() -> None:
    with pytest.raises(UnicodeDecodeError):
        give(assembler(), Opcode.TEXT, b"\xc3")
    end = assembler()
    give(end, Opcode.TEXT, b"\xc3", fin=False)
    with pytest.raises(UnicodeDecodeError):
        give(end, Opcode.CONT, b"")


# ------------------------------------------------------------------------------------------------ limits


@pytest.mark.parametrize(("limit", "fits"), [(5, True), (4, False), (0, False), (None, True)])
def test_10_4_message_over_the_limit_by_its_header(limit: int | None, fits: bool) -> None:
    end = assembler(max_size=limit)
    header = FrameHeader(True, 0, Opcode.BINARY, None, 5, 2)
    if fits:
        end.start_frame(header)
    else:
        with pytest.raises(PayloadTooBig, match=f"frame with 5 bytes exceeds limit of {limit} bytes"):
            end.start_frame(header)


def test_10_4_limit_of_0_lets_empty_messages_through() -> None:
    assert give(assembler(max_size=0), Opcode.TEXT, b"") == Message("")


def test_10_4_message_over_the_limit_by_the_sum_of_its_fragments() -> None:
    end = assembler(max_size=5)
    give(end, Opcode.TEXT, "é".encode(), fin=False)  # counted in bytes
    give(end, Opcode.CONT, b"abc", fin=False)
    give(end, Opcode.CONT, b"", fin=False)
    with pytest.raises(PayloadTooBig, match="frame with 1 bytes after 5 bytes exceeds limit of 5 bytes"):
        end.start_frame(FrameHeader(True, 0, Opcode.CONT, None, 1, 2))


def test_10_4_the_sum_starts_anew_with_each_message() -> None:
    end = assembler(max_size=5)
    for _ in range(3):
        give(end, Opcode.BINARY, b"abc", fin=False)
        give(end, Opcode.CONT, b"de")


@pytest.mark.parametrize("max_size", [None, 100])
def test_10_4_fragment_over_the_limit(max_size: int | None) -> None:
    end = assembler(max_size=max_size, max_fragment_size=3)
    give(end, Opcode.BINARY, b"abc", fin=False)
    give(end, Opcode.CONT, b"def", fin=False)
    with pytest.raises(PayloadTooBig, match="frame with 4 bytes exceeds limit of 3 bytes"):
        give(end, Opcode.CONT, b"ghij")


def test_10_4_the_smaller_limit_counts() -> None:
    end = assembler(max_size=4, max_fragment_size=3)
    give(end, Opcode.BINARY, b"abc", fin=False)
    with pytest.raises(PayloadTooBig, match="frame with 2 bytes after 3 bytes exceeds limit of 4 bytes"):
        give(end, Opcode.CONT, b"de")


def test_10_4_too_many_fragments() -> None:
    end = assembler(max_fragments=3)
    for _ in range(2):
        give(end, Opcode.TEXT, b"", fin=False)
        give(end, Opcode.CONT, b"", fin=False)
        give(end, Opcode.CONT, b"")
    give(end, Opcode.TEXT, b"", fin=False)
    give(end, Opcode.CONT, b"", fin=False)
    give(end, Opcode.CONT, b"", fin=False)
    with pytest.raises(TooManyFragments, match="limit of 3 frames"):
        give(end, Opcode.CONT, b"")


def test_10_4_no_limit_of_fragments() -> None:
    end = assembler(max_fragments=None)
    give(end, Opcode.TEXT, b"", fin=False)
    for _ in range(5000):
        give(end, Opcode.CONT, b"", fin=False)


# ------------------------------------------------------------------------------------------------ permessage-deflate


@pytest.mark.parametrize("step", [None, 1])
def test_rfc7692_6_2_compressed_message(step: int | None) -> None:
    own, peer = pair()
    end = assembler(max_size=100, extensions=[peer])
    for text in ("Hello", "", "é" * 50):
        payload = own.deflate(text.encode(), fin=True)
        assert give(end, Opcode.TEXT, payload, rsv=RSV1, step=step) == Message(text)
    assert give(end, Opcode.TEXT, b"plain", step=step) == Message("plain")


def test_rfc7692_6_2_compressed_fragments() -> None:
    own, peer = pair()
    end = assembler(max_size=10, extensions=[peer])
    first, second = own.deflate(b"Hello", fin=False), own.deflate(b"World", fin=True)
    assert give(end, Opcode.BINARY, first, fin=False, rsv=RSV1) == Fragment(b"Hello", True, False)
    assert give(end, Opcode.CONT, second) == Fragment(b"World", False, True)


def test_10_4_decompressed_message_over_the_limit() -> None:
    own, peer = pair()
    payload = own.deflate(bytes(1000), fin=True)
    with pytest.raises(PayloadTooBig, match="frame exceeds limit of 999 bytes"):
        give(assembler(max_size=999, extensions=[peer]), Opcode.BINARY, payload, rsv=RSV1)


def test_10_4_decompressed_fragments_over_the_limit() -> None:
    own, peer = pair()
    end = assembler(max_size=10, extensions=[peer])
    give(end, Opcode.BINARY, own.deflate(bytes(8), fin=False), fin=False, rsv=RSV1)
    with pytest.raises(PayloadTooBig, match="frame after 8 bytes exceeds limit of 10 bytes"):
        give(end, Opcode.CONT, own.deflate(bytes(3), fin=True))


def test_10_4_decompressed_fragment_over_the_limit_in_pieces() -> None:
    own, peer = pair()
    end = assembler(max_fragment_size=10, extensions=[peer])
    give(end, Opcode.BINARY, own.deflate(bytes(8), fin=False), fin=False, rsv=RSV1)
    payload = own.deflate(b"a", fin=False) + own.deflate(bytes(10), fin=True)
    with pytest.raises(PayloadTooBig, match=r"frame after \d+ bytes exceeds limit of 10 bytes"):
        give(end, Opcode.CONT, payload, step=1)


def test_10_4_compressed_frame_over_any_sensible_size_by_its_header() -> None:
    end = assembler(max_size=1000, extensions=[pair()[1]])
    end.start_frame(FrameHeader(True, RSV1, Opcode.BINARY, None, 1100, 4))
    end = assembler(max_size=1000, extensions=[pair()[1]])
    with pytest.raises(PayloadTooBig, match="frame with 2000 bytes exceeds limit of 1000 bytes"):
        end.start_frame(FrameHeader(True, RSV1, Opcode.BINARY, None, 2000, 4))
    with pytest.raises(PayloadTooBig):
        end.start_frame(FrameHeader(True, 0, Opcode.BINARY, None, 1001, 4))


def test_rfc7692_7_2_2_no_limit() -> None:
    own, peer = pair()
    end = assembler(extensions=[peer])
    assert give(end, Opcode.BINARY, own.deflate(bytes(3_000_000), fin=True), rsv=RSV1) == Message(
        bytes(3_000_000)
    )


def test_8_1_compressed_text_is_checked_as_it_arrives() -> None:
    own, peer = pair()
    end = assembler(extensions=[peer])
    payload = own.deflate(b"a\xff", fin=False)
    end.start_frame(FrameHeader(True, RSV1, Opcode.TEXT, None, 1000, 4))
    with pytest.raises(UnicodeDecodeError):
        end.feed(payload, False)


# ------------------------------------------------------------------------------------------------ other extensions


@pytest.mark.parametrize("step", [None, 1])
def test_9_other_extensions_get_whole_frames(step: int | None) -> None:
    end = assembler(extensions=[Reversed()])
    assert give(end, Opcode.TEXT, "é".encode()[::-1] + b"a", rsv=RSV2, step=step) == Message("aé")
    assert give(end, Opcode.BINARY, b"ab", fin=False, rsv=RSV2, step=step) == Fragment(b"ba", True, False)
    assert give(end, Opcode.CONT, b"cd", rsv=RSV2, step=step) == Fragment(b"dc", False, True)


def test_9_1_extensions_are_undone_in_reverse_order() -> None:
    own, peer = pair()
    end = assembler(extensions=[peer, Reversed()])
    payload = own.deflate(b"Hello", fin=True)[::-1]
    assert give(end, Opcode.TEXT, payload, rsv=RSV1 | RSV2) == Message("Hello")
    with pytest.raises(PayloadTooBig):
        give(
            assembler(max_size=50, extensions=[PerMessageDeflate(False, False, 15, 15), Reversed()]),
            Opcode.BINARY,
            pair()[0].deflate(bytes(51), fin=True)[::-1],
            rsv=RSV1 | RSV2,
        )


def test_9_1_no_extension_leaves_the_payload() -> None:
    assert decode_payload([], FrameHeader(True, 0, Opcode.PING, None, 1, 2), b"a", 125) == b"a"


# ------------------------------------------------------------------------------------------------ pieces


def test_what_is_discarded_does_not_come_back() -> None:
    end = assembler()
    end.start_frame(FrameHeader(False, 0, Opcode.BINARY, None, 10, 2))
    end.feed(b"abc", False)
    end.discard()
    assert not end.in_message
    assert give(end, Opcode.BINARY, b"d") == Message(b"d")


@given(
    text=st.text(max_size=60),
    cuts=st.lists(st.integers(0, 200), max_size=4),
    step=st.integers(1, 7),
    compressed=st.booleans(),
)
def test_any_fragments_in_any_pieces_give_the_same_text(
    text: str, cuts: list[int], step: int, compressed: bool
) -> None:
    own, peer = pair()
    data = text.encode()
    edges = [0, *sorted(cut for cut in cuts if cut <= len(data)), len(data)]
    end = assembler(max_size=len(data), extensions=[peer])
    got = ""
    for i, (start, stop) in enumerate(itertools.pairwise(edges)):
        first, fin = i == 0, i == len(edges) - 2
        payload = own.deflate(data[start:stop], fin=fin) if compressed else data[start:stop]
        rsv = RSV1 if compressed and first else 0
        event = give(end, Opcode.TEXT if first else Opcode.CONT, payload, fin=fin, rsv=rsv, step=step)
        assert isinstance(event, Message if first and fin else Fragment)
        assert isinstance(event.data, str)
        got += event.data
    assert got == text
