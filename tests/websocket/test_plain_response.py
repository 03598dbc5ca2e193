"""Plain-text responses."""

from http import HTTPStatus

import pytest

from openline.websocket.plain_response import plain_response


@pytest.mark.parametrize("status", [404, HTTPStatus.NOT_FOUND])
def test_all_it_says(status: HTTPStatus | int) -> None:
    response = plain_response(status, "nö\n")
    assert (response.status_code, response.reason_phrase, response.body) == (
        404,
        "Not Found",
        "nö\n".encode(),
    )
    assert response.headers["Connection"] == "close"
    assert response.headers["Content-Length"] == "4"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Date"].endswith("GMT")
    assert response.serialize().startswith(b"HTTP/1.1 404 Not Found\r\n")


def test_unknown_status() -> None:
    with pytest.raises(ValueError, match="299"):
        plain_response(299, "")
