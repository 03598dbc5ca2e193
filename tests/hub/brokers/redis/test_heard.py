"""From messages to events."""

from __future__ import annotations

import pytest

from openline.hub.brokers.redis.encoding import encode_info, encode_publication
from openline.hub.brokers.redis.heard import JOIN, LEAVE, Heard, unkept
from openline.hub.publication import ClientInfo, Payload, Publication, StreamPosition
from openline.testing.broker_stage import Heard as Events

BODY = encode_publication(Publication(data=Payload(b'"a,b,c"')))


def test_publications_joins_and_leaves() -> None:
    events = Events()
    channel = Heard("a", events)
    channel.take(unkept(BODY))
    channel.take(b"p5,epoch," + BODY)
    channel.take(JOIN + encode_info(ClientInfo("u", "c")))
    channel.take(LEAVE + encode_info(ClientInfo("u", "c")))
    assert events.texts("a") == ['"a,b,c"', '"a,b,c"']
    assert [position for _, position in events.of("a")] == [StreamPosition(0, ""), StreamPosition(5, "epoch")]
    assert [publication.offset for publication, _ in events.of("a")] == [0, 5]
    assert events.comings == [("join", "a", "c"), ("leave", "a", "c")]


def test_what_was_heard_is_not_told_twice_and_gaps_are_passed_on() -> None:
    events = Events()
    channel = Heard("a", events)
    for place in (
        b"p1,e",
        b"p2,e",
        b"p2,e",
        b"p1,e",
        b"p7,e",
        b"p0,",
        b"p3,e",
        b"p8,e",
        b"p1,f",
        b"p1,f",
        b"p2,f",
    ):
        channel.take(place + b"," + BODY)
    told = [(position.offset, position.epoch) for _, position in events.of("a")]
    assert told == [(1, "e"), (2, "e"), (7, "e"), (0, ""), (8, "e"), (1, "f"), (2, "f")]


@pytest.mark.parametrize(
    "message",
    [b"", b"x", b"p", b"p1", b"p1,e", b"p1,e,", b"px,e," + BODY, b"p1,e,\xc1", b"j", b"j\xc1", b"l\x90\x90"],
)
def test_what_is_not_ours_is_dropped_and_logged(message: bytes, caplog: pytest.LogCaptureFixture) -> None:
    events = Events()
    Heard("chat", events).take(message)
    assert not events.publications
    assert not events.comings
    assert "chat: what came from Redis is not ours" in caplog.text
