"""RFC 6455 and RFC 7692: any stream in any chunks means the same to the bare protocol and to both engines."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..conformance.peer import CLOSE
from .streams import Stream, streams
from .subjects import Outcome, Sent, through_engine, through_protocol

native_forbidden = os.environ.get("OPENLINE_PURE", "0") not in ("", "0")
ENGINES = ("portable",) if native_forbidden else ("native", "portable")

COMPRESSED_DATA = re.compile(rb"\x03(\xea.*RFC 7692|\xef|\xf1)", re.DOTALL).match

relaxed = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def check_chunks(stream: Stream) -> None:
    """The bare protocol alone: chunks change nothing but where fragments of a frame are reported."""
    whole, events = through_protocol(stream, [stream.data])
    chopped, pieces = through_protocol(stream, stream.pieces())
    single, bytewise = through_protocol(stream, [stream.data[at : at + 1] for at in range(len(stream.data))])
    assert _told(stream, whole) == _told(stream, chopped) == _told(stream, single)
    assert _kinds(events) == _kinds(pieces) == _kinds(bytewise)


def _kinds(events: list[object]) -> list[str]:
    return [type(event).__name__ for event in events]


def check_engines(stream: Stream, listener: bool) -> None:
    """Both engines, whole and in chunks, give what the bare protocol gives."""
    expected, _ = through_protocol(stream, [stream.data])
    for engine in ENGINES:
        outcome = through_engine(stream, engine, listener=listener)
        assert _ordered(_told(stream, outcome)) == _ordered(_told(stream, expected)), engine


def _told(stream: Stream, outcome: Outcome) -> Outcome:
    """Compressed data can be wrong in three ways at once: zlib reports its own fault first, and what it has inflated
    before it is lost. Which fault is told depends on the chunks; that one is, does not."""
    if not stream.deflate:
        return outcome
    sent = [
        Sent(CLOSE, b"compressed data") if frame.opcode == CLOSE and COMPRESSED_DATA(frame.payload) else frame
        for frame in outcome.sent
    ]
    return outcome._replace(sent=sent)


def _ordered(outcome: Outcome) -> Outcome:
    """Pongs among themselves and other frames among themselves keep their order; a pong overtakes."""
    return outcome._replace(sent=sorted(outcome.sent, key=lambda frame: frame.opcode != 0xA))


@pytest.mark.timeout(120)
@given(stream=streams())
@settings(relaxed, max_examples=300)
def test_any_stream_in_any_chunks_is_the_same_to_the_protocol(stream: Stream) -> None:
    check_chunks(stream)


@pytest.mark.timeout(120)
@given(stream=streams(), listener=st.booleans())
@settings(relaxed, max_examples=150)
def test_any_stream_is_the_same_to_both_engines_and_the_protocol(stream: Stream, listener: bool) -> None:
    check_engines(stream, listener)
