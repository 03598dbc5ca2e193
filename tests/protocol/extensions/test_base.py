"""What an extension is (RFC 6455 section 9)."""

from __future__ import annotations

import pytest

from openline.protocol.extensions.base import Extension
from openline.protocol.frames import RSV2, Frame, Opcode


class Marker(Extension):
    name = "x-marker"
    rsv = RSV2


def test_9_1_an_extension_may_set_its_bits_in_any_frame_unless_it_says_otherwise() -> None:
    assert {Marker().rsv_allowed(opcode) for opcode in Opcode} == {RSV2}
    assert {Extension().rsv_allowed(opcode) for opcode in Opcode} == {0}


def test_an_extension_must_say_what_it_does() -> None:
    frame = Frame(Opcode.TEXT, b"")
    with pytest.raises(NotImplementedError):
        Marker().encode(frame)
    with pytest.raises(NotImplementedError):
        Marker().decode(frame)
