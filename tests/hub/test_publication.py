"""Records that are stored and sent."""

from __future__ import annotations

import msgspec

from openline.hub.publication import ClientInfo, Payload, Publication


def test_what_has_its_default_is_not_sent() -> None:
    publication = Publication(data=Payload(b'{"a":1}'), offset=3)
    assert msgspec.json.encode(publication) == b'{"data":{"a":1},"offset":3}'


def test_payloads_pass_as_they_are() -> None:
    info = ClientInfo(user="42", client="c", conn_info=Payload(b"[1]"))
    written = msgspec.json.encode(Publication(data=Payload(b'"x"'), info=info))
    read = msgspec.json.decode(written, type=Publication)
    assert bytes(read.data) == b'"x"'
    assert read.info is not None
    assert read.info.conn_info is not None
    assert bytes(read.info.conn_info) == b"[1]"
    assert read.info.chan_info is None
