"""What requests of the server API may say."""

from __future__ import annotations

import msgspec
import pytest

from openline.hub.transports.api_records import REQUESTS, Batch


@pytest.mark.parametrize("method", REQUESTS)
def test_nothing_is_needed_and_what_is_unknown_is_passed_over(method: str) -> None:
    record = REQUESTS[method]
    assert msgspec.json.decode(b'{"unknown": [1, {"a": null}]}', type=record) == record()


def test_payloads_are_kept_as_they_are() -> None:
    request = msgspec.json.decode(b'{"channel": "a", "data":  {"x": 1.0} }', type=REQUESTS["publish"])
    assert bytes(request.data) == b'{"x": 1.0}'
    null = msgspec.json.decode(b'{"data": null}', type=REQUESTS["publish"])
    assert bytes(null.data) == b"null"


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("publish", b'{"tags": {"a": 1}}'),
        ("publish", b'{"channel": null}'),
        ("broadcast", b'{"channels": "a"}'),
        ("history", b'{"limit": 1.5}'),
        ("disconnect", b'{"whitelist": [1]}'),
        ("refresh", b'{"expired": "no"}'),
    ],
)
def test_wrong_types_are_refused(method: str, body: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=REQUESTS[method])


def test_each_batch_has_a_list_of_its_own() -> None:
    assert Batch().commands is not Batch().commands
