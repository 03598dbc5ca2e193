"""The queue above the transport of a portable line."""

from __future__ import annotations

from openline.engine.send_queue import BATCH, SendQueue
from openline.protocol.frames import Opcode


def test_first_in_first_out_and_joined_up_to_a_batch() -> None:
    queue = SendQueue()
    for chunk in (b"a" * (BATCH // 2), b"b" * (BATCH // 2), b"c"):
        queue.push(chunk)
    assert queue.size == BATCH + 1
    assert queue.pop() == b"a" * (BATCH // 2) + b"b" * (BATCH // 2)
    assert queue.pop() == b"c"
    assert queue.pop() is None
    assert queue.size == 0


def test_a_chunk_over_a_batch_leaves_alone_and_is_not_copied() -> None:
    queue = SendQueue()
    large = b"x" * (3 * BATCH)
    queue.push(b"small")
    queue.push(large)
    assert queue.pop() == b"small"
    assert queue.pop() is large


def test_urgent_frames_leave_first() -> None:
    queue = SendQueue()
    queue.push(b"message")
    assert queue.push_urgent(Opcode.PING, b"ping") == 4
    assert queue.push_urgent(Opcode.PONG, b"pong!") == 5
    assert queue.pop() == b"pingpong!message"


def test_5_5_3_a_newer_ping_or_pong_replaces_one_that_waits() -> None:
    queue = SendQueue()
    queue.push_urgent(Opcode.PONG, b"to the first")
    assert queue.push_urgent(Opcode.PONG, b"to the 2nd") == -2
    assert queue.size == len(b"to the 2nd")
    queue.push_urgent(Opcode.PING, b"+ping")
    assert queue.pop() == b"to the 2nd+ping"
    queue.push_urgent(Opcode.PONG, b"another")
    assert queue.pop() == b"another"


def test_clear() -> None:
    queue = SendQueue()
    queue.push(b"message")
    queue.push_urgent(Opcode.PING, b"ping")
    queue.clear()
    assert (queue.size, queue.pop()) == (0, None)
